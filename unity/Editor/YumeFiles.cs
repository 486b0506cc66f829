// The asset files that the setup creates: copies, their labels and hashes, and their deletion.

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Security.Cryptography;
using UnityEditor;
using UnityEngine;
using VRC.SDK3.Avatars.Components;

namespace Yume.Editor
{
    internal static class YumeFiles
    {
        /// <summary>Paths given out since the setup began, to delete them if it fails.</summary>
        public static readonly List<string> NewPaths = new List<string>();

        /// <summary>A free path for a new asset of this avatar.</summary>
        public static string NewPath(VRCAvatarDescriptor avatar, string what, string extension)
        {
            string name = string.Concat(avatar.name.Split(Path.GetInvalidFileNameChars()));
            if (!AssetDatabase.IsValidFolder(YumeLayout.Folder))
                AssetDatabase.CreateFolder("Assets", Path.GetFileName(YumeLayout.Folder));
            string path = AssetDatabase.GenerateUniqueAssetPath(
                YumeLayout.Folder + "/" + name.Trim() + " " + what + extension);
            NewPaths.Add(path);
            return path;
        }

        /// <summary>A copy of an asset as a file of its own. The original stays as it is.</summary>
        public static T Copy<T>(T original, string path) where T : UnityEngine.Object
        {
            if (!AssetDatabase.IsMainAsset(original))
                AssetDatabase.CreateAsset(UnityEngine.Object.Instantiate(original), path);
            else if (!AssetDatabase.CopyAsset(AssetDatabase.GetAssetPath(original), path))
                throw new YumeError(
                    "Unity could not copy " + AssetDatabase.GetAssetPath(original) + " to " + path + ".");
            return AssetDatabase.LoadAssetAtPath<T>(path);
        }

        /// <summary>Saves a created asset and records the content that the setup wrote.</summary>
        public static void Record(YumeInstallation record, UnityEngine.Object asset)
        {
            string guid = GuidOf(asset);
            AssetDatabase.SetLabels(asset, new[] { YumeLayout.Label });
            EditorUtility.SetDirty(asset);
            AssetDatabase.SaveAssetIfDirty(asset);
            YumeFile file = record.files.FirstOrDefault(each => each.guid == guid);
            if (file == null)
            {
                file = new YumeFile { guid = guid };
                record.files.Add(file);
            }
            file.hash = HashOf(AssetDatabase.GUIDToAssetPath(guid));
        }

        /// <summary>Whether the file has exactly the content that the setup wrote.</summary>
        public static bool IsUnchanged(YumeInstallation record, UnityEngine.Object asset)
        {
            AssetDatabase.SaveAssetIfDirty(asset);
            string guid = GuidOf(asset);
            YumeFile file = record.files.FirstOrDefault(each => each.guid == guid);
            return file != null && IsUnchanged(file);
        }

        /// <summary>Moves recorded files to the trash if they are unchanged and nothing uses
        /// them.</summary>
        public static int MoveUnusedToTrash(YumeFile[] files)
        {
            int moved = 0;
            foreach (YumeFile file in files)
            {
                string path = AssetDatabase.GUIDToAssetPath(file.guid);
                var asset = AssetDatabase.LoadMainAssetAtPath(path);
                if (asset == null) continue;
                bool ours = path.StartsWith(YumeLayout.Folder + "/")
                    && AssetDatabase.GetLabels(asset).Contains(YumeLayout.Label);
                if (!ours || !IsUnchanged(file) || IsUsed(asset, path))
                    Debug.LogWarning("Yume: kept " + path + ", because it was changed or is in use.");
                else if (AssetDatabase.MoveAssetToTrash(path)) moved++;
            }
            return moved;
        }

        private static bool IsUsed(UnityEngine.Object asset, string path)
        {
            foreach (VRCAvatarDescriptor avatar in Resources.FindObjectsOfTypeAll<VRCAvatarDescriptor>())
            {
                if (EditorUtility.IsPersistent(avatar)) continue; // prefabs follow below
                if (EditorUtility.CollectDependencies(new UnityEngine.Object[] { avatar })
                    .Contains(asset)) return true;
            }
            var open = Enumerable.Range(0, UnityEngine.SceneManagement.SceneManager.sceneCount)
                .Select(i => UnityEngine.SceneManagement.SceneManager.GetSceneAt(i).path).ToArray();
            return AssetDatabase.FindAssets("t:Scene t:Prefab")
                .Select(AssetDatabase.GUIDToAssetPath)
                .Where(each => !open.Contains(each))
                .Any(each => AssetDatabase.GetDependencies(each, true).Contains(path));
        }

        private static bool IsUnchanged(YumeFile file)
        {
            string path = AssetDatabase.GUIDToAssetPath(file.guid);
            return File.Exists(path) && HashOf(path) == file.hash;
        }

        private static string GuidOf(UnityEngine.Object asset)
        {
            return AssetDatabase.AssetPathToGUID(AssetDatabase.GetAssetPath(asset));
        }

        private static string HashOf(string path)
        {
            using (SHA256 hash = SHA256.Create())
                return BitConverter.ToString(hash.ComputeHash(File.ReadAllBytes(path)));
        }
    }
}
