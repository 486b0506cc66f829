// The objects of the senses below YumeSenses: contact receivers and rays.

using System;
using System.Collections.Generic;
using System.Linq;
using UnityEditor;
using UnityEngine;
using VRC.SDK3.Dynamics.Contact.Components;

namespace Yume.Editor
{
    /// <summary>Adds missing objects and sets their rules again. Place and size are set only
    /// once.</summary>
    internal sealed class YumeObjects
    {
        private readonly YumeInstallation _record;
        private readonly YumeBody _body;

        public int Added { get; private set; }
        public int Repaired { get; private set; }

        public YumeObjects(YumeInstallation record, YumeBody body)
        {
            _record = record;
            _body = body;
        }

        /// <summary>The type VRCRaycast of the SDK, or null before SDK 3.10.3.</summary>
        public static Type RaycastType()
        {
            return TypeCache.GetTypesDerivedFrom<MonoBehaviour>()
                .FirstOrDefault(t => t.FullName == "VRC.SDK3.Avatars.Components.VRCRaycast");
        }

        /// <summary>Creates YumeSenses with the record. Its children are in metres, at the
        /// feet.</summary>
        public static YumeInstallation CreateRoot(YumeBody body)
        {
            var senses = new GameObject(YumeLayout.SensesObject);
            senses.transform.SetParent(body.Root, false);
            Vector3 lossy = body.Root.lossyScale;
            senses.transform.localScale = new Vector3(1f / lossy.x, 1f / lossy.y, 1f / lossy.z);
            var record = senses.AddComponent<YumeInstallation>();
            Undo.RegisterCreatedObjectUndo(senses, "Yume: add senses");
            return record;
        }

        public void EnsureContacts()
        {
            var chest = new Vector3(0f, _body.ChestHeightM, 0f);
            for (int i = 0; i < YumeLayout.NearCount; i++)
            {
                Quaternion turn = YumeLayout.Turn(i, YumeLayout.NearCount);
                Vector3 place = chest + turn * Vector3.forward * YumeLayout.NearRingM;
                EnsureContact(
                    YumeLayout.NearName + i, "Proximity", YumeLayout.NearTags, null, place,
                    YumeLayout.NearRadiusM);
            }
            foreach (HeadContact head in YumeLayout.HeadContacts)
            {
                Vector3 place = _body.PointOf(head.Place);
                float radiusM = Mathf.Min(head.RadiusM * _body.Scale, YumeLayout.MaxRadiusM);
                EnsureContact(head.Name, head.Type, YumeLayout.HandTags, _body.Head, place, radiusM);
            }
        }

        /// <summary>Adds rays at chest height. Their parent is inactive; the FX layer activates
        /// it.</summary>
        public void EnsureRays(Type raycastType)
        {
            GameObject rays = Child(_record.transform, YumeLayout.RaysObject, out bool isNew);
            if (isNew)
            {
                rays.transform.localPosition = new Vector3(0f, _body.ChestHeightM, 0f);
                rays.SetActive(false);
            }
            Fan(rays, raycastType, YumeLayout.PlayerRayName, YumeLayout.PlayerRayCount, "HitPlayers");
            Fan(rays, raycastType, YumeLayout.WorldRayName, YumeLayout.WorldRayCount, "HitWorlds");
        }

        private void Fan(GameObject rays, Type raycastType, string name, int count, string mode)
        {
            for (int i = 0; i < count; i++)
            {
                GameObject ray = Child(rays.transform, name + i, out bool isNew);
                GameObject end = Child(ray.transform, name + i + YumeLayout.EndSuffix, out bool newEnd);
                if (isNew) ray.transform.localRotation = YumeLayout.Turn(i, count);
                if (newEnd) end.transform.localPosition = new Vector3(0f, 0f, YumeLayout.RayReachM);
                YumeFields fields = FieldsOf(ray, raycastType, out bool newRay);
                if (newRay)
                {
                    fields.Set("raycastDirection", Vector3.forward);
                    fields.Set("distance", YumeLayout.RayReachM);
                    fields.Set("applyTransformScale", false);
                }
                fields.Set("parameter", name + i);
                fields.Set("resultTransform", end.transform); // never the ray itself or its parent
                fields.Set("applyRotation", false);
                fields.SetChoice("collisionMode", mode);
                fields.SetChoice("behaviorOnMiss", "SnapToEnd");
                Count(fields.Apply(), newRay);
            }
        }

        /// <summary>Adds a contact. With a root, place is in the world; else below
        /// YumeSenses.</summary>
        private void EnsureContact(
            string name, string type, IList<string> tags, Transform root, Vector3 place, float radiusM)
        {
            if (YumeChecks.ForeignContact(_record, name)) return; // the avatar has its own
            GameObject contact = Child(_record.transform, name, out _);
            YumeFields fields = FieldsOf(contact, typeof(VRCContactReceiver), out bool isNew);
            if (isNew)
            {
                fields.SetChoice("shapeType", "Sphere");
                if (root != null)
                {
                    fields.Set("rootTransform", root);
                    fields.Set("position", root.InverseTransformPoint(place));
                    fields.Set("radius", radiusM / LargestScale(root));
                }
                else
                {
                    bool isHead = YumeLayout.HeadContacts.Any(head => head.Name == name);
                    if (isHead) contact.transform.position = place;
                    else contact.transform.localPosition = place;
                    fields.Set("radius", radiusM / LargestScale(contact.transform));
                }
            }
            fields.Set("parameter", name);
            fields.SetChoice("receiverType", type);
            fields.SetList("collisionTags", tags);
            fields.Set("localOnly", true);
            fields.Set("allowSelf", false);
            fields.Set("allowOthers", true);
            Count(fields.Apply(), isNew);
        }

        private void Count(bool changed, bool isNew)
        {
            if (isNew) Added++;
            else if (changed) Repaired++;
        }

        private static float LargestScale(Transform place)
        {
            Vector3 scale = place.lossyScale;
            return Mathf.Max(Mathf.Abs(scale.x), Mathf.Abs(scale.y), Mathf.Abs(scale.z));
        }

        private static YumeFields FieldsOf(GameObject owner, Type type, out bool isNew)
        {
            Component component = owner.GetComponent(type);
            isNew = component == null;
            if (isNew) component = Undo.AddComponent(owner, type);
            if (component == null)
                throw new YumeError("Unity could not add " + type.FullName + " to " + owner.name + ".");
            return new YumeFields(component);
        }

        /// <summary>Our own object of this name below the parent. Creates and records a missing
        /// one.</summary>
        private GameObject Child(Transform parent, string name, out bool isNew)
        {
            GameObject found = _record.objects.FirstOrDefault(
                each => each != null && each.name == name && each.transform.parent == parent);
            isNew = found == null;
            if (!isNew) return found;
            var child = new GameObject(name);
            child.transform.SetParent(parent, false);
            Undo.RegisterCreatedObjectUndo(child, "Yume: add senses");
            Undo.RecordObject(_record, "Yume: add senses");
            _record.objects.RemoveAll(each => each == null);
            _record.objects.Add(child);
            PrefabUtility.RecordPrefabInstancePropertyModifications(_record);
            return child;
        }
    }
}
