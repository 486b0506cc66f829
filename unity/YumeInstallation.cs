// The record of what Yume's setup added to an avatar. It lies on the object YumeSenses.
// VRChat leaves components of IEditorOnly out of the upload.

using System;
using System.Collections.Generic;
using UnityEngine;
using VRC.SDKBase;

namespace Yume
{
    /// <summary>What the setup added to this avatar, and what was there before.</summary>
    [DisallowMultipleComponent]
    public sealed class YumeInstallation : MonoBehaviour, IEditorOnly
    {
        /// <summary>Every object that the setup created below this one.</summary>
        public List<GameObject> objects = new List<GameObject>();

        /// <summary>The FX controller, the expressions menu and the expression
        /// parameters.</summary>
        public YumeSlot fx = new YumeSlot();
        public YumeSlot menu = new YumeSlot();
        public YumeSlot parameters = new YumeSlot();

        /// <summary>The two switches of the avatar descriptor before the setup.</summary>
        public bool customLayersBefore;
        public bool customExpressionsBefore;

        /// <summary>Asset files that the setup created.</summary>
        public List<YumeFile> files = new List<YumeFile>();
    }

    /// <summary>An asset of the avatar descriptor that the setup replaced by a copy.</summary>
    [Serializable]
    public sealed class YumeSlot
    {
        public UnityEngine.Object original; // null: the avatar had none
        public UnityEngine.Object copy; // null: the setup replaced nothing
        public bool wasDefault;
    }

    /// <summary>A created asset file, and the SHA-256 of the content that the setup
    /// wrote.</summary>
    [Serializable]
    public sealed class YumeFile
    {
        public string guid;
        public string hash;
    }
}
