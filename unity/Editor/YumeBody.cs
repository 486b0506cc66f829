// Where chest, eyes and head of an avatar are, in the pose of the editor.

using UnityEngine;
using VRC.SDK3.Avatars.Components;

namespace Yume.Editor
{
    /// <summary>Points of the avatar's body, in metres in the world.</summary>
    internal sealed class YumeBody
    {
        public readonly Transform Root;
        public readonly Transform Head; // null: the avatar is not humanoid
        public readonly float ChestHeightM; // above the root
        public readonly float Scale; // eye height by the reference eye height
        private readonly Vector3 _eyes;

        public YumeBody(VRCAvatarDescriptor avatar)
        {
            Root = avatar.transform;
            Vector3 lossy = Root.lossyScale;
            if (Mathf.Min(lossy.x, lossy.y, lossy.z) <= 0f)
                throw new YumeError("The scale of " + Root.name + " must be above 0 on each axis.");
            var animator = avatar.GetComponent<Animator>();
            bool human = animator != null && animator.isHuman;
            Head = human ? animator.GetBoneTransform(HumanBodyBones.Head) : null;
            _eyes = Eyes(avatar, human ? animator : null);
            float eyeHeightM = Vector3.Dot(_eyes - Root.position, Root.up);
            if (eyeHeightM < 0.05f)
                throw new YumeError(
                    "The eyes of " + Root.name + " are not above its feet. Set the View Position "
                    + "of the avatar descriptor.");
            Scale = eyeHeightM / YumeLayout.ReferenceEyeM;
            Transform chest = Chest(human ? animator : null);
            ChestHeightM = chest != null
                ? Vector3.Dot(chest.position - Root.position, Root.up)
                : 0.8f * eyeHeightM;
        }

        /// <summary>The centre of a head contact, in the world.</summary>
        public Vector3 PointOf(HeadPlace place)
        {
            Vector3 up = Root.up * Scale;
            if (place == HeadPlace.Nose) return _eyes + Root.forward * (0.04f * Scale) - 0.04f * up;
            Vector3 over = Head != null ? Head.position : _eyes;
            float rise = Vector3.Dot(_eyes - over, Root.up);
            return over + Root.up * rise + 0.08f * up;
        }

        private static Vector3 Eyes(VRCAvatarDescriptor avatar, Animator animator)
        {
            if (animator != null)
            {
                Transform left = animator.GetBoneTransform(HumanBodyBones.LeftEye);
                Transform right = animator.GetBoneTransform(HumanBodyBones.RightEye);
                if (left != null && right != null) return (left.position + right.position) / 2f;
            }
            return avatar.transform.position + avatar.transform.rotation * avatar.ViewPosition;
        }

        private static Transform Chest(Animator animator)
        {
            if (animator == null) return null;
            Transform chest = animator.GetBoneTransform(HumanBodyBones.Chest);
            return chest != null ? chest : animator.GetBoneTransform(HumanBodyBones.Spine);
        }
    }
}
