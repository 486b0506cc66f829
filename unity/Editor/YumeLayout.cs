// Names, counts and sizes of the senses. Yume's settings and docs/avatar.md use the same values.

using System;
using System.Collections.Generic;
using UnityEngine;

namespace Yume.Editor
{
    /// <summary>The avatar lacks something, or something is in the way. The text says the
    /// cure.</summary>
    internal sealed class YumeError : Exception
    {
        public YumeError(string message) : base(message) { }
    }

    /// <summary>Names, counts and sizes. Lengths are metres in the world, angles are
    /// degrees.</summary>
    internal static class YumeLayout
    {
        public const string SensesObject = "YumeSenses";
        public const string RaysObject = "YumeRays";
        public const string LayerName = "YumeLocal";
        public const string RaysOffClip = "YumeRays off";
        public const string RaysOnClip = "YumeRays on";
        public const string LocalParameter = "IsLocal";
        public const string EndSuffix = " End";
        public const string Folder = "Assets/YumeAvatars";
        public const string Label = "YumeSenses";

        public const string OffParameter = "YumeOff";
        public const string OffControl = "Yume off";

        public const string NearName = "YumeNear";
        public static readonly int NearCount = 4;
        public const int MaxNearCount = 8;
        public const float NearRingM = 1f;
        public static readonly float NearRadiusM = 3f;
        public const float MaxRadiusM = 3f; // VRChat's limit, after scaling

        public const string PlayerRayName = "YumeRayP";
        public static readonly int PlayerRayCount = 40;
        public const string WorldRayName = "YumeRayW";
        public static readonly int WorldRayCount = 24;
        public const float RayReachM = 10f;
        public const int MaxRays = 80; // VRChat's limit for an avatar, shared with FinalIK
        public const int MaxContacts = 256; // VRChat's limit for an avatar with Local Only contacts

        public const float ReferenceEyeM = 1.6f; // head contacts scale with the eye height

        public static readonly string[] NearTags = { "Head", "Torso", "Hand" };
        public static readonly string[] HandTags = { "Hand" };
        public static readonly string[] RaySuffixes = { "_Hit", "_Ratio", "_Distance" };

        /// <summary>The contacts on the head: name, type, place, radius at the reference eye
        /// height.</summary>
        public static readonly HeadContact[] HeadContacts =
        {
            new HeadContact("HeadPat", "Constant", HeadPlace.Crown, 0.3f),
            new HeadContact("HeadPat_Prox", "Proximity", HeadPlace.Crown, 0.8f),
            new HeadContact("Boop", "OnEnter", HeadPlace.Nose, 0.12f),
        };

        /// <summary>Turns number i of count: 0 is ahead, then clockwise seen from above.</summary>
        public static Quaternion Turn(int i, int count)
        {
            return Quaternion.Euler(0f, 360f * i / count, 0f);
        }

        /// <summary>Every parameter that the senses set, with its type in an animator.</summary>
        public static Dictionary<string, AnimatorControllerParameterType> AnimatorParameters(
            bool withRays)
        {
            var types = new Dictionary<string, AnimatorControllerParameterType>();
            for (int i = 0; i < NearCount; i++)
                types[NearName + i] = AnimatorControllerParameterType.Float;
            foreach (HeadContact contact in HeadContacts)
                types[contact.Name] = contact.AnimatorType;
            if (!withRays) return types;
            types[LocalParameter] = AnimatorControllerParameterType.Bool;
            foreach (string ray in RayNames())
            {
                types[ray + "_Hit"] = AnimatorControllerParameterType.Bool;
                types[ray + "_Ratio"] = AnimatorControllerParameterType.Float;
                types[ray + "_Distance"] = AnimatorControllerParameterType.Float;
            }
            return types;
        }

        /// <summary>The value of Parameter of each ray: first those at players.</summary>
        public static IEnumerable<string> RayNames()
        {
            for (int i = 0; i < PlayerRayCount; i++) yield return PlayerRayName + i;
            for (int i = 0; i < WorldRayCount; i++) yield return WorldRayName + i;
        }

        /// <summary>Stops if someone changed the counts above beyond what VRChat allows.</summary>
        public static void CheckCounts()
        {
            if (NearCount < 4 || NearCount > MaxNearCount)
                throw new YumeError("NearCount must be 4 to 8; it is " + NearCount + ".");
            if (NearRadiusM <= 0f || NearRadiusM > MaxRadiusM)
                throw new YumeError("NearRadiusM must be above 0 and at most 3 m.");
            if (PlayerRayCount + WorldRayCount > MaxRays)
                throw new YumeError("An avatar may have at most " + MaxRays + " rays.");
        }
    }

    /// <summary>Where a head contact lies: above the eyes, or in front of them.</summary>
    internal enum HeadPlace
    {
        Crown,
        Nose,
    }

    /// <summary>A contact receiver on the head. Type is a Receiver Type of VRChat.</summary>
    internal sealed class HeadContact
    {
        public readonly string Name;
        public readonly string Type;
        public readonly HeadPlace Place;
        public readonly float RadiusM;

        public HeadContact(string name, string type, HeadPlace place, float radiusM)
        {
            Name = name;
            Type = type;
            Place = place;
            RadiusM = radiusM;
        }

        public AnimatorControllerParameterType AnimatorType
        {
            get
            {
                return Type == "Proximity"
                    ? AnimatorControllerParameterType.Float
                    : AnimatorControllerParameterType.Bool;
            }
        }
    }
}
