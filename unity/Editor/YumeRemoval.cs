// Removes what the setup added, and nothing else. The descriptor gets its own assets back.

using System.Collections.Generic;
using System.Linq;
using UnityEditor;
using UnityEditor.Animations;
using UnityEngine;
using VRC.SDK3.Avatars.Components;
using VRC.SDK3.Avatars.ScriptableObjects;
using VRC.SDK3.Dynamics.Contact.Components;

namespace Yume.Editor
{
    internal static class YumeRemoval
    {
        /// <summary>Removes the senses as one undo step. Returns what happened, as
        /// sentences.</summary>
        public static string RemoveSenses(VRCAvatarDescriptor avatar)
        {
            YumeInstallation record = YumeChecks.FindRecord(avatar);
            if (record == null) return avatar.name + " has no senses of this setup; nothing changed.";
            var kept = new List<string>();
            YumeFile[] files = record.files.ToArray();

            Undo.IncrementCurrentGroup();
            Undo.SetCurrentGroupName("Yume: remove senses");
            int group = Undo.GetCurrentGroup();
            Undo.RecordObject(avatar, "Yume: remove senses");
            RestoreController(avatar, record, kept);
            RestoreExpressions(avatar, record, kept);
            PrefabUtility.RecordPrefabInstancePropertyModifications(avatar);
            RemoveObjects(record, kept);
            Undo.CollapseUndoOperations(group);

            string result = avatar.name + ": senses removed.";
            if (kept.Count > 0) result += " Kept: " + string.Join("; ", kept) + ".";
            if (files.Length > 0 && EditorUtility.DisplayDialog(
                "Yume",
                "Also move the copied files that nothing uses to the trash? Then Undo can no longer "
                + "bring the senses back.",
                "Move to trash", "Keep the files"))
            {
                result += " " + YumeFiles.MoveUnusedToTrash(files) + " files moved to the trash.";
                Undo.ClearUndo(avatar); // an undo would refer to files that are gone
            }
            return result;
        }

        private static void RestoreController(
            VRCAvatarDescriptor avatar, YumeInstallation record, List<string> kept)
        {
            RuntimeAnimatorController current = YumeController.Current(avatar);
            if (record.fx.copy == null || record.fx.copy != current) return; // not our copy
            if (!YumeFiles.IsUnchanged(record, current))
            {
                YumeController.Strip((AnimatorController)current);
                kept.Add(
                    "the FX controller " + current.name + ", because it was edited; only the layer "
                    + "and the parameters of Yume are out of it");
                return;
            }
            int index = YumeController.FxIndex(avatar);
            var layer = avatar.baseAnimationLayers[index];
            layer.isDefault = record.fx.wasDefault;
            layer.animatorController = record.fx.original as RuntimeAnimatorController;
            avatar.baseAnimationLayers[index] = layer;
            bool othersDefault = avatar.baseAnimationLayers
                .Where((_, i) => i != index).All(each => each.isDefault);
            if (!record.customLayersBefore && othersDefault) avatar.customizeAnimationLayers = false;
        }

        private static void RestoreExpressions(
            VRCAvatarDescriptor avatar, YumeInstallation record, List<string> kept)
        {
            VRCExpressionsMenu menu = YumeExpressions.Menu(avatar);
            if (record.menu.copy != null && record.menu.copy == menu)
            {
                if (YumeFiles.IsUnchanged(record, menu))
                    avatar.expressionsMenu = record.menu.original as VRCExpressionsMenu;
                else
                {
                    YumeExpressions.Strip(menu);
                    kept.Add("the menu " + menu.name + ", because it was edited; YumeOff is out of it");
                }
            }
            VRCExpressionParameters parameters = YumeExpressions.Parameters(avatar);
            if (record.parameters.copy != null && record.parameters.copy == parameters)
            {
                if (YumeFiles.IsUnchanged(record, parameters))
                    avatar.expressionParameters = record.parameters.original as VRCExpressionParameters;
                else
                {
                    YumeExpressions.Strip(parameters);
                    kept.Add(
                        "the parameters " + parameters.name + ", because they were edited; YumeOff is "
                        + "out of them");
                }
            }
            bool restored = avatar.expressionsMenu == record.menu.original
                && avatar.expressionParameters == record.parameters.original;
            if (!record.customExpressionsBefore && restored) avatar.customExpressions = false;
        }

        /// <summary>Deletes recorded objects, the deepest first. Anything of other origin
        /// stays.</summary>
        private static void RemoveObjects(YumeInstallation record, List<string> kept)
        {
            foreach (GameObject thing in record.objects.AsEnumerable().Reverse().ToArray())
            {
                if (thing == null) continue;
                if (!YumeChecks.IsOurs(record, thing))
                {
                    kept.Add("the object " + thing.name + ", because it was moved");
                    continue;
                }
                foreach (Component sense in thing.GetComponents<Component>().Where(IsSense).ToArray())
                    Undo.DestroyObjectImmediate(sense);
                if (thing.transform.childCount == 0 && thing.GetComponents<Component>().Length == 1)
                    Undo.DestroyObjectImmediate(thing); // only its Transform is left
                else kept.Add("the object " + thing.name + ", because it has other content");
            }
            GameObject senses = record.gameObject;
            bool alone = senses.transform.childCount == 0
                && senses.GetComponents<Component>().All(each => each is Transform || each == record);
            if (alone) Undo.DestroyObjectImmediate(senses);
            else
            {
                kept.Add("the object " + senses.name + ", because it has other content");
                Undo.DestroyObjectImmediate(record);
            }
        }

        /// <summary>Whether a component sets the parameter that its object is named after.</summary>
        private static bool IsSense(Component component)
        {
            if (component == null) return false; // a missing script
            bool isSense = component is VRCContactReceiver
                || component.GetType() == YumeObjects.RaycastType();
            return isSense && new YumeFields(component).Text("parameter") == component.name;
        }
    }
}
