// Sets serialized fields of an SDK component by name, with an error that lists what exists.

using System;
using System.Collections.Generic;
using System.Linq;
using UnityEditor;
using UnityEngine;

namespace Yume.Editor
{
    /// <summary>Serialized fields of one component. A field that already has the value stays as it
    /// is.</summary>
    internal sealed class YumeFields
    {
        private readonly SerializedObject _fields;
        private readonly string _owner;

        public YumeFields(Component component)
        {
            _fields = new SerializedObject(component);
            _owner = component.GetType().FullName;
        }

        public string Text(string name) { return Find(name).stringValue; }

        public void Set(string name, string value)
        {
            SerializedProperty field = Find(name);
            if (field.stringValue != value) field.stringValue = value;
        }

        public void Set(string name, bool value)
        {
            SerializedProperty field = Find(name);
            if (field.boolValue != value) field.boolValue = value;
        }

        public void Set(string name, float value)
        {
            SerializedProperty field = Find(name);
            if (field.floatValue != value) field.floatValue = value;
        }

        public void Set(string name, Vector3 value)
        {
            SerializedProperty field = Find(name);
            if (field.vector3Value != value) field.vector3Value = value;
        }

        public void Set(string name, UnityEngine.Object value)
        {
            SerializedProperty field = Find(name);
            if (field.objectReferenceValue != value) field.objectReferenceValue = value;
        }

        /// <summary>Chooses the member of an enum by its name, with or without spaces.</summary>
        public void SetChoice(string name, string choice)
        {
            SerializedProperty field = Find(name);
            int index = Array.FindIndex(field.enumNames, each => Plain(each) == Plain(choice));
            if (index < 0)
                index = Array.FindIndex(field.enumDisplayNames, e => Plain(e) == Plain(choice));
            if (index < 0)
                throw new YumeError(
                    _owner + "." + name + " has no choice " + choice + "; it has "
                    + string.Join(", ", field.enumNames) + ". Use the VRChat SDK 3.10.3 or newer.");
            if (field.enumValueIndex != index) field.enumValueIndex = index;
        }

        public void SetList(string name, IList<string> values)
        {
            SerializedProperty field = Find(name);
            bool same = field.arraySize == values.Count && Enumerable.Range(0, values.Count)
                .All(i => field.GetArrayElementAtIndex(i).stringValue == values[i]);
            if (same) return;
            field.arraySize = values.Count;
            for (int i = 0; i < values.Count; i++)
                field.GetArrayElementAtIndex(i).stringValue = values[i];
        }

        /// <summary>Writes the changed fields, with Undo. Returns whether any field
        /// changed.</summary>
        public bool Apply() { return _fields.ApplyModifiedProperties(); }

        private SerializedProperty Find(string name)
        {
            SerializedProperty field = _fields.FindProperty(name);
            if (field != null) return field;
            throw new YumeError(
                _owner + " has no serialized field " + name + "; it has "
                + string.Join(", ", Names()) + ". This setup was written for the VRChat SDK 3.10.3.");
        }

        private IEnumerable<string> Names()
        {
            SerializedProperty each = _fields.GetIterator();
            for (bool more = each.NextVisible(true); more; more = each.NextVisible(false))
                yield return each.name;
        }

        private static string Plain(string name)
        {
            return name.Replace(" ", "").Replace("_", "").ToLowerInvariant();
        }
    }
}
