// Checks before the first change: what is ours, what is in the way, and VRChat's limits.

using System;
using System.Collections.Generic;
using System.Linq;
using UnityEditor;
using UnityEngine;
using VRC.SDK3.Avatars.Components;
using VRC.SDK3.Dynamics.Contact.Components;

namespace Yume.Editor
{
    internal static class YumeChecks
    {
        /// <summary>The avatar of the selection, in an open scene.</summary>
        public static VRCAvatarDescriptor SelectedAvatar()
        {
            GameObject selected = Selection.activeGameObject;
            var avatar = selected == null
                ? null
                : selected.GetComponentInParent<VRCAvatarDescriptor>(true);
            if (avatar == null)
                throw new YumeError("Select one avatar (an object with a VRC Avatar Descriptor).");
            if (EditorUtility.IsPersistent(avatar))
                throw new YumeError("Select the avatar in the scene, not its prefab in the project.");
            if (Application.isPlaying) throw new YumeError("Leave play mode first.");
            return avatar;
        }

        /// <summary>The record of the setup on this avatar, or null.</summary>
        public static YumeInstallation FindRecord(VRCAvatarDescriptor avatar)
        {
            YumeInstallation[] all = avatar.GetComponentsInChildren<YumeInstallation>(true);
            if (all.Length > 1)
                throw new YumeError(
                    "The avatar has " + all.Length + " objects with a Yume Installation. Delete the "
                    + "copies, so that one remains.");
            if (all.Length == 1 && all[0].transform.parent != avatar.transform)
                throw new YumeError(
                    all[0].name + " must lie directly below " + avatar.name + ". Move it back.");
            return all.FirstOrDefault();
        }

        /// <summary>Whether the setup created this object: it is recorded and still below the
        /// record.</summary>
        public static bool IsOurs(YumeInstallation record, GameObject thing)
        {
            return record != null && record.objects.Contains(thing)
                && thing.transform.IsChildOf(record.transform);
        }

        /// <summary>Whether a receiver that the setup did not create sets this parameter.</summary>
        public static bool ForeignContact(YumeInstallation record, string parameter)
        {
            return Receivers(record.transform.parent)
                .Any(each => each.parameter == parameter && !IsOurs(record, each.gameObject));
        }

        /// <summary>Raises YumeError for names that are taken and limits that would be
        /// exceeded.</summary>
        public static void Check(
            VRCAvatarDescriptor avatar, YumeInstallation record, Type raycastType, bool withRays)
        {
            YumeLayout.CheckCounts();
            Transform taken = avatar.transform.Find(YumeLayout.SensesObject);
            if (taken != null && (record == null || taken != record.transform))
                throw new YumeError(
                    avatar.name + " already has an object " + YumeLayout.SensesObject
                    + " that this setup did not add. Rename it.");
            CheckContacts(avatar, record);
            if (withRays) CheckRays(avatar, record, raycastType);
        }

        private static void CheckContacts(VRCAvatarDescriptor avatar, YumeInstallation record)
        {
            int others = 0;
            foreach (Component contact in avatar.GetComponentsInChildren<Component>(true)
                .Where(each => each != null && each.GetType().Name.StartsWith("VRCContact")))
            {
                if (IsOurs(record, contact.gameObject)) continue;
                others++;
                var receiver = contact as VRCContactReceiver;
                if (receiver != null && IsNumbered(receiver.parameter, YumeLayout.NearName))
                    throw Taken(receiver.parameter, receiver);
            }
            int ours = YumeLayout.NearCount + YumeLayout.HeadContacts.Length;
            if (others + ours > YumeLayout.MaxContacts)
                throw new YumeError(
                    "The avatar has " + others + " contacts; with " + ours + " more it would have "
                    + "above " + YumeLayout.MaxContacts + ", and VRChat refuses the upload.");
        }

        private static void CheckRays(
            VRCAvatarDescriptor avatar, YumeInstallation record, Type raycastType)
        {
            if (raycastType == null)
                throw new YumeError(
                    "This VRChat SDK has no VRCRaycast. Update the SDK to 3.10.3 or newer, or use "
                    + "Tools/Yume/Add contacts only.");
            int others = 0;
            foreach (Component ray in avatar.GetComponentsInChildren(raycastType, true))
            {
                if (IsOurs(record, ray.gameObject)) continue;
                others++;
                string name = new YumeFields(ray).Text("parameter");
                if (IsNumbered(name, YumeLayout.PlayerRayName)
                    || IsNumbered(name, YumeLayout.WorldRayName))
                    throw Taken(name, ray);
            }
            others += avatar.GetComponentsInChildren<Component>(true).Count(
                each => each != null && (each.GetType().Namespace ?? "").StartsWith("RootMotion.FinalIK"));
            int ours = YumeLayout.PlayerRayCount + YumeLayout.WorldRayCount;
            if (others + ours > YumeLayout.MaxRays)
                throw new YumeError(
                    "The avatar has " + others + " rays and FinalIK components; with " + ours
                    + " more it would exceed VRChat's limit of " + YumeLayout.MaxRays + ". Lower "
                    + "PlayerRayCount or WorldRayCount in YumeLayout.cs.");
        }

        private static YumeError Taken(string parameter, Component owner)
        {
            return new YumeError(
                "The parameter " + parameter + " is already used by " + owner.name
                + ", which this setup did not add, or which was moved out of "
                + YumeLayout.SensesObject + ". Rename it, move it back or delete it.");
        }

        private static bool IsNumbered(string name, string start)
        {
            return name != null && name.StartsWith(start) && int.TryParse(
                name.Substring(start.Length), out _);
        }

        private static IEnumerable<VRCContactReceiver> Receivers(Transform avatar)
        {
            return avatar.GetComponentsInChildren<VRCContactReceiver>(true);
        }
    }
}
