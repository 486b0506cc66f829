// The menu Tools/Yume. Adds Yume's senses to the selected avatar: contacts, rays and a switch.
// docs/avatar.md describes it. It has never run in Unity yet.

using System;
using UnityEditor;
using UnityEngine;
using VRC.SDK3.Avatars.Components;

namespace Yume.Editor
{
    public static class YumeAvatarSetup
    {
        private const string Add = "Tools/Yume/Add senses to avatar";
        private const string AddContacts = "Tools/Yume/Add contacts only";
        private const string Remove = "Tools/Yume/Remove senses from avatar";

        [MenuItem(Add, false, 1)]
        private static void AddAll() { Report(() => AddSenses(YumeChecks.SelectedAvatar(), true)); }

        [MenuItem(AddContacts, false, 2)]
        private static void AddOnlyContacts()
        {
            Report(() => AddSenses(YumeChecks.SelectedAvatar(), false));
        }

        [MenuItem(Remove, false, 20)]
        private static void RemoveAll()
        {
            Report(() => YumeRemoval.RemoveSenses(YumeChecks.SelectedAvatar()));
        }

        [MenuItem(Add, true), MenuItem(AddContacts, true), MenuItem(Remove, true)]
        private static bool CanRun() { return Selection.activeGameObject != null; }

        /// <summary>Adds what is missing and repairs rules of our own objects, as one undo
        /// step.</summary>
        /// <returns>What changed, as a sentence.</returns>
        public static string AddSenses(VRCAvatarDescriptor avatar, bool withRays)
        {
            // All checks come first: an error leaves the avatar as it is.
            YumeInstallation record = YumeChecks.FindRecord(avatar);
            Type raycastType = YumeObjects.RaycastType();
            var body = new YumeBody(avatar);
            YumeChecks.Check(avatar, record, raycastType, withRays);
            YumeController.Check(avatar, record, withRays);
            YumeExpressions.Check(avatar, record);

            YumeFiles.NewPaths.Clear();
            Undo.IncrementCurrentGroup();
            Undo.SetCurrentGroupName("Yume: add senses");
            int group = Undo.GetCurrentGroup();
            try
            {
                if (record == null)
                {
                    record = YumeObjects.CreateRoot(body);
                    record.customLayersBefore = avatar.customizeAnimationLayers;
                    record.customExpressionsBefore = avatar.customExpressions;
                }
                Undo.RecordObject(record, "Yume: add senses");
                Undo.RecordObject(avatar, "Yume: add senses");
                var objects = new YumeObjects(record, body);
                objects.EnsureContacts();
                if (withRays) objects.EnsureRays(raycastType);
                bool assets = YumeController.Ensure(avatar, record, withRays);
                assets |= YumeExpressions.Ensure(avatar, record);
                if (assets || objects.Added + objects.Repaired > 0)
                {
                    PrefabUtility.RecordPrefabInstancePropertyModifications(record);
                    PrefabUtility.RecordPrefabInstancePropertyModifications(avatar);
                }
                Undo.CollapseUndoOperations(group);
                return Summary(avatar, objects, assets);
            }
            catch
            {
                Undo.RevertAllDownToGroup(group);
                foreach (string path in YumeFiles.NewPaths) AssetDatabase.DeleteAsset(path);
                throw;
            }
        }

        private static string Summary(VRCAvatarDescriptor avatar, YumeObjects objects, bool assets)
        {
            if (objects.Added + objects.Repaired == 0 && !assets)
                return avatar.name + " already has these senses; nothing changed.";
            return avatar.name + ": " + objects.Added + " contacts and rays added, "
                + objects.Repaired + " repaired. FX controller, menu and parameters "
                + (assets ? "are copies in " + YumeLayout.Folder + "." : "are unchanged.")
                + " After the upload, choose Reset Config in VRChat's OSC menu.";
        }

        private static void Report(Func<string> work)
        {
            try
            {
                Debug.Log("Yume: " + work());
            }
            catch (YumeError error)
            {
                Debug.LogError("Yume: " + error.Message);
                EditorUtility.DisplayDialog("Yume", error.Message, "OK");
            }
        }
    }
}
