// The expressions menu and parameters: copies with one unsynced switch, YumeOff.

using System.Collections.Generic;
using System.Linq;
using UnityEditor;
using UnityEngine;
using VRC.SDK3.Avatars.Components;
using VRC.SDK3.Avatars.ScriptableObjects;

namespace Yume.Editor
{
    internal static class YumeExpressions
    {
        private const int ControlsPerMenu = 8; // VRChat's limit

        public static VRCExpressionsMenu Menu(VRCAvatarDescriptor avatar)
        {
            return avatar.customExpressions ? avatar.expressionsMenu : null;
        }

        public static VRCExpressionParameters Parameters(VRCAvatarDescriptor avatar)
        {
            return avatar.customExpressions ? avatar.expressionParameters : null;
        }

        /// <summary>Raises YumeError if the switch cannot be added.</summary>
        public static void Check(VRCAvatarDescriptor avatar, YumeInstallation record)
        {
            VRCExpressionParameters.Parameter has = Switch(Parameters(avatar));
            if (has != null && has.valueType != VRCExpressionParameters.ValueType.Bool)
                throw new YumeError(
                    "The expression parameter " + YumeLayout.OffParameter + " is of type "
                    + has.valueType + "; it must be Bool. Change or delete it.");
            VRCExpressionsMenu menu = Menu(avatar);
            bool ours = record != null && record.menu.copy != null && record.menu.copy == menu;
            if (ours && !HasToggle(menu) && menu.controls.Count >= ControlsPerMenu)
                throw new YumeError(
                    "The menu " + menu.name + " is full, and its control " + YumeLayout.OffControl
                    + " is missing. Move one of its controls into a sub-menu.");
        }

        /// <summary>Adds the switch to copies of menu and parameters. Returns whether that changed
        /// them.</summary>
        public static bool Ensure(VRCAvatarDescriptor avatar, YumeInstallation record)
        {
            VRCExpressionsMenu menu = Menu(avatar);
            VRCExpressionParameters parameters = Parameters(avatar);
            bool addSwitch = Switch(parameters) == null, addToggle = menu == null || !HasToggle(menu);
            if (addSwitch) avatar.expressionParameters = WithSwitch(avatar, record, parameters);
            if (addToggle) avatar.expressionsMenu = WithToggle(avatar, record, menu);
            if (addSwitch || addToggle) avatar.customExpressions = true;
            return addSwitch || addToggle;
        }

        /// <summary>Takes the toggle out of a menu copy that a person edited.</summary>
        public static void Strip(VRCExpressionsMenu menu)
        {
            Undo.RecordObject(menu, "Yume: remove senses");
            menu.controls.RemoveAll(
                c => c.name == YumeLayout.OffControl && c.parameter != null
                    && c.parameter.name == YumeLayout.OffParameter);
            EditorUtility.SetDirty(menu);
        }

        /// <summary>Takes the switch out of a parameters copy that a person edited.</summary>
        public static void Strip(VRCExpressionParameters parameters)
        {
            Undo.RecordObject(parameters, "Yume: remove senses");
            parameters.parameters = parameters.parameters
                .Where(each => each == null || each.name != YumeLayout.OffParameter).ToArray();
            EditorUtility.SetDirty(parameters);
        }

        private static VRCExpressionParameters WithSwitch(
            VRCAvatarDescriptor avatar, YumeInstallation record, VRCExpressionParameters current)
        {
            bool ours = record.parameters.copy != null && record.parameters.copy == current;
            bool rehash = !ours || YumeFiles.IsUnchanged(record, current);
            VRCExpressionParameters copy = current;
            if (!ours)
            {
                string path = YumeFiles.NewPath(avatar, "Parameters", ".asset");
                copy = current != null ? YumeFiles.Copy(current, path) : NewParameters(path);
                record.parameters = new YumeSlot
                {
                    original = avatar.expressionParameters, // also one that is not in use
                    copy = copy,
                };
            }
            else Undo.RecordObject(copy, "Yume: add senses");
            var entries = (copy.parameters ?? new VRCExpressionParameters.Parameter[0]).ToList();
            entries.Add(new VRCExpressionParameters.Parameter
            {
                name = YumeLayout.OffParameter,
                valueType = VRCExpressionParameters.ValueType.Bool,
                defaultValue = 0f,
                saved = false,
                networkSynced = false,
            });
            copy.parameters = entries.ToArray();
            EditorUtility.SetDirty(copy);
            if (rehash) YumeFiles.Record(record, copy);
            return copy;
        }

        /// <summary>New parameters: the three that VRChat's default animators use.</summary>
        private static VRCExpressionParameters NewParameters(string path)
        {
            var made = ScriptableObject.CreateInstance<VRCExpressionParameters>();
            made.parameters = new[]
            {
                Default("VRCEmote", VRCExpressionParameters.ValueType.Int),
                Default("VRCFaceBlendH", VRCExpressionParameters.ValueType.Float),
                Default("VRCFaceBlendV", VRCExpressionParameters.ValueType.Float),
            };
            AssetDatabase.CreateAsset(made, path);
            return made;
        }

        private static VRCExpressionParameters.Parameter Default(
            string name, VRCExpressionParameters.ValueType type)
        {
            return new VRCExpressionParameters.Parameter
            {
                name = name,
                valueType = type,
                saved = true,
                networkSynced = true,
            };
        }

        private static VRCExpressionsMenu WithToggle(
            VRCAvatarDescriptor avatar, YumeInstallation record, VRCExpressionsMenu current)
        {
            bool ours = record.menu.copy != null && record.menu.copy == current;
            bool rehash = !ours || YumeFiles.IsUnchanged(record, current);
            VRCExpressionsMenu copy = current;
            if (!ours)
            {
                string path = YumeFiles.NewPath(avatar, "Menu", ".asset");
                bool full = current != null && current.controls.Count >= ControlsPerMenu;
                copy = current != null && !full ? YumeFiles.Copy(current, path) : NewMenu(path, current);
                record.menu = new YumeSlot { original = avatar.expressionsMenu, copy = copy };
            }
            else Undo.RecordObject(copy, "Yume: add senses");
            copy.controls.Add(new VRCExpressionsMenu.Control
            {
                name = YumeLayout.OffControl,
                type = VRCExpressionsMenu.Control.ControlType.Toggle,
                parameter = new VRCExpressionsMenu.Control.Parameter { name = YumeLayout.OffParameter },
                value = 1f,
            });
            EditorUtility.SetDirty(copy);
            if (rehash) YumeFiles.Record(record, copy);
            return copy;
        }

        /// <summary>A new root menu. A full menu becomes its sub-menu, unchanged.</summary>
        private static VRCExpressionsMenu NewMenu(string path, VRCExpressionsMenu full)
        {
            var made = ScriptableObject.CreateInstance<VRCExpressionsMenu>();
            made.controls = new List<VRCExpressionsMenu.Control>();
            if (full != null)
                made.controls.Add(new VRCExpressionsMenu.Control
                {
                    name = full.name,
                    type = VRCExpressionsMenu.Control.ControlType.SubMenu,
                    subMenu = full,
                });
            AssetDatabase.CreateAsset(made, path);
            return made;
        }

        private static VRCExpressionParameters.Parameter Switch(VRCExpressionParameters parameters)
        {
            if (parameters == null || parameters.parameters == null) return null;
            return parameters.parameters.FirstOrDefault(
                each => each != null && each.name == YumeLayout.OffParameter);
        }

        private static bool HasToggle(VRCExpressionsMenu root)
        {
            var seen = new HashSet<VRCExpressionsMenu>();
            var open = new Stack<VRCExpressionsMenu>();
            open.Push(root);
            while (open.Count > 0)
            {
                VRCExpressionsMenu menu = open.Pop();
                if (menu == null || !seen.Add(menu)) continue;
                foreach (VRCExpressionsMenu.Control control in menu.controls)
                {
                    if (control.parameter != null && control.parameter.name == YumeLayout.OffParameter
                        && control.type == VRCExpressionsMenu.Control.ControlType.Toggle) return true;
                    if (control.subMenu != null) open.Push(control.subMenu);
                }
            }
            return false;
        }
    }
}
