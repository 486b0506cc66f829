// The FX controller: a copy with the parameters of the senses, and a layer that switches the rays.

using System;
using System.Collections.Generic;
using System.Linq;
using UnityEditor;
using UnityEditor.Animations;
using UnityEngine;
using VRC.SDK3.Avatars.Components;

namespace Yume.Editor
{
    internal static class YumeController
    {
        /// <summary>The index of the FX layer in the descriptor.</summary>
        public static int FxIndex(VRCAvatarDescriptor avatar)
        {
            int index = Array.FindIndex(
                avatar.baseAnimationLayers ?? new VRCAvatarDescriptor.CustomAnimLayer[0],
                layer => layer.type == VRCAvatarDescriptor.AnimLayerType.FX);
            if (index < 0)
                throw new YumeError(
                    avatar.name + " has no FX playable layer. Open the avatar descriptor, and reset "
                    + "its Playable Layers.");
            return index;
        }

        /// <summary>The FX controller in use, or null for VRChat's default.</summary>
        public static RuntimeAnimatorController Current(VRCAvatarDescriptor avatar)
        {
            var layer = avatar.baseAnimationLayers[FxIndex(avatar)];
            return avatar.customizeAnimationLayers && !layer.isDefault ? layer.animatorController : null;
        }

        /// <summary>Raises YumeError if the FX controller cannot be copied and extended.</summary>
        public static void Check(VRCAvatarDescriptor avatar, YumeInstallation record, bool withRays)
        {
            RuntimeAnimatorController current = Current(avatar);
            if (current == null) return;
            var controller = current as AnimatorController;
            if (controller == null || !AssetDatabase.IsMainAsset(controller))
                throw new YumeError(
                    "The FX controller " + current.name + " is not an Animator Controller file of its "
                    + "own. Choose one in the avatar descriptor.");
            foreach (var wanted in YumeLayout.AnimatorParameters(withRays))
            {
                var has = controller.parameters.FirstOrDefault(each => each.name == wanted.Key);
                bool numbered = wanted.Key.StartsWith("Yume");
                if (has != null && has.type != wanted.Value && numbered)
                    throw new YumeError(
                        "The FX controller has a parameter " + wanted.Key + " of type " + has.type
                        + "; it must be " + wanted.Value + ". Rename or delete it.");
            }
            bool ours = record != null && record.fx.copy == current;
            if (!ours && HasLayer(controller) && withRays)
                throw new YumeError(
                    "The FX controller already has a layer " + YumeLayout.LayerName
                    + " that this setup did not add. Rename or delete the layer.");
        }

        /// <summary>Puts a completed copy into the descriptor. Returns whether anything
        /// changed.</summary>
        public static bool Ensure(VRCAvatarDescriptor avatar, YumeInstallation record, bool withRays)
        {
            RuntimeAnimatorController current = Current(avatar);
            var controller = current as AnimatorController;
            bool ours = record.fx.copy != null && record.fx.copy == current;
            if (controller != null && IsComplete(controller, withRays) && (ours || !withRays))
                return false;
            bool rehash = !ours || YumeFiles.IsUnchanged(record, controller);
            if (!ours)
            {
                int index = FxIndex(avatar);
                string path = YumeFiles.NewPath(avatar, "FX", ".controller");
                controller = controller == null
                    ? AnimatorController.CreateAnimatorControllerAtPath(path)
                    : YumeFiles.Copy(controller, path);
                var layer = avatar.baseAnimationLayers[index];
                record.fx = new YumeSlot
                {
                    original = layer.animatorController, // also one that is not in use
                    copy = controller,
                    wasDefault = layer.isDefault,
                };
                layer.isDefault = false;
                layer.animatorController = controller;
                avatar.baseAnimationLayers[index] = layer;
                avatar.customizeAnimationLayers = true;
            }
            Complete(controller, withRays);
            if (rehash) YumeFiles.Record(record, controller);
            return true;
        }

        /// <summary>Takes our layer, clips and Yume parameters out of a copy that a person
        /// edited.</summary>
        public static void Strip(AnimatorController controller)
        {
            int index = Array.FindIndex(controller.layers, layer => layer.name == YumeLayout.LayerName);
            if (index >= 0) controller.RemoveLayer(index);
            foreach (var parameter in controller.parameters.Where(IsNumbered).ToArray())
                controller.RemoveParameter(parameter);
            foreach (var clip in AssetDatabase.LoadAllAssetsAtPath(AssetDatabase.GetAssetPath(controller))
                .OfType<AnimationClip>()
                .Where(c => c.name == YumeLayout.RaysOffClip || c.name == YumeLayout.RaysOnClip))
                Undo.DestroyObjectImmediate(clip);
            EditorUtility.SetDirty(controller);
        }

        private static bool IsNumbered(AnimatorControllerParameter parameter)
        {
            var ours = YumeLayout.AnimatorParameters(true);
            return parameter.name.StartsWith("Yume") && ours.ContainsKey(parameter.name);
        }

        private static bool HasLayer(AnimatorController controller)
        {
            return controller.layers.Any(layer => layer.name == YumeLayout.LayerName);
        }

        private static bool IsComplete(AnimatorController controller, bool withRays)
        {
            var names = new HashSet<string>(controller.parameters.Select(each => each.name));
            return YumeLayout.AnimatorParameters(withRays).Keys.All(names.Contains)
                && (!withRays || HasLayer(controller));
        }

        private static void Complete(AnimatorController controller, bool withRays)
        {
            var names = new HashSet<string>(controller.parameters.Select(each => each.name));
            foreach (var wanted in YumeLayout.AnimatorParameters(withRays))
                if (!names.Contains(wanted.Key)) controller.AddParameter(wanted.Key, wanted.Value);
            if (withRays && !HasLayer(controller)) AddLayer(controller);
            EditorUtility.SetDirty(controller);
        }

        /// <summary>Two states: the rays are off, or on while IsLocal is true.</summary>
        private static void AddLayer(AnimatorController controller)
        {
            bool writeDefaults = WritesDefaults(controller);
            var local = controller.parameters.First(p => p.name == YumeLayout.LocalParameter);
            var machine = new AnimatorStateMachine
            {
                name = YumeLayout.LayerName,
                hideFlags = HideFlags.HideInHierarchy,
            };
            AssetDatabase.AddObjectToAsset(machine, controller);
            AnimatorState off = machine.AddState("Off");
            AnimatorState on = machine.AddState("On");
            off.motion = Clip(controller, YumeLayout.RaysOffClip, 0f);
            on.motion = Clip(controller, YumeLayout.RaysOnClip, 1f);
            off.writeDefaultValues = on.writeDefaultValues = writeDefaults;
            machine.defaultState = off;
            Connect(off, on, local, true);
            Connect(on, off, local, false);
            controller.AddLayer(new AnimatorControllerLayer
            {
                name = YumeLayout.LayerName,
                defaultWeight = 1f,
                stateMachine = machine,
            });
        }

        private static void Connect(
            AnimatorState from, AnimatorState to, AnimatorControllerParameter local, bool value)
        {
            AnimatorStateTransition transition = from.AddTransition(to);
            transition.hasExitTime = false;
            transition.duration = 0f;
            // An author may have IsLocal as float or int: VRChat converts it.
            bool isBool = local.type == AnimatorControllerParameterType.Bool;
            AnimatorConditionMode mode = isBool
                ? (value ? AnimatorConditionMode.If : AnimatorConditionMode.IfNot)
                : (value ? AnimatorConditionMode.Greater : AnimatorConditionMode.Less);
            float threshold = local.type == AnimatorControllerParameterType.Int && !value ? 1f
                : local.type == AnimatorControllerParameterType.Float ? 0.5f : 0f;
            transition.AddCondition(mode, threshold, local.name);
        }

        private static AnimationClip Clip(AnimatorController controller, string name, float active)
        {
            var clip = new AnimationClip { name = name };
            string path = YumeLayout.SensesObject + "/" + YumeLayout.RaysObject;
            AnimationUtility.SetEditorCurve(
                clip,
                EditorCurveBinding.FloatCurve(path, typeof(GameObject), "m_IsActive"),
                AnimationCurve.Constant(0f, 1f / 60f, active));
            AssetDatabase.AddObjectToAsset(clip, controller);
            return clip;
        }

        /// <summary>Write Defaults as most states of the controller have it; off without
        /// states.</summary>
        private static bool WritesDefaults(AnimatorController controller)
        {
            AnimatorState[] states = controller.layers.SelectMany(l => States(l.stateMachine)).ToArray();
            return states.Count(state => state.writeDefaultValues) * 2 > states.Length;
        }

        private static IEnumerable<AnimatorState> States(AnimatorStateMachine machine)
        {
            if (machine == null) return Enumerable.Empty<AnimatorState>();
            return machine.states.Select(child => child.state)
                .Concat(machine.stateMachines.SelectMany(child => States(child.stateMachine)));
        }
    }
}
