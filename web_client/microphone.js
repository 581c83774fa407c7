// The caller's microphone, and silence in its place for those who type.

import { ofMicrophone } from "./problems.js";

// No automatic gain: it makes the first words of a call 10 dB louder than those that follow
// (Chromium 156), and then the agent takes the caller's interruption for somebody in the background.
const WISHES = { noiseSuppression: true, autoGainControl: false, channelCount: 1 };

/** A stream of the chosen microphone, or of any. Throws a problem's name, such as "denied".
 *
 * Who wears a headset needs no echo canceller, which makes a voice faint while the other speaks. */
export async function openMicrophone(deviceId, isHeadset) {
  const wishes = { ...WISHES, echoCancellation: !isHeadset };
  const chosen = deviceId ? { ...wishes, deviceId: { exact: deviceId } } : wishes;
  try {
    return await navigator.mediaDevices.getUserMedia({ audio: chosen });
  } catch (fault) {
    if (deviceId && fault.name === "OverconstrainedError") return openMicrophone("", isHeadset);
    throw ofMicrophone(fault.name);
  }
}

/** A stream that is never anything but silent. */
export function silence(context) {
  return context.createMediaStreamDestination().stream;
}

/** Why no microphone can be had here at all, or "". */
export function obstacle() {
  if (!window.isSecureContext) return "insecure";
  if (!navigator.mediaDevices?.getUserMedia || !window.AudioWorkletNode) return "unsupported";
  return "";
}

/** Microphones and speakers, as {id, name, kind}; names only where the microphone was allowed. */
export async function devices() {
  const all = (await navigator.mediaDevices?.enumerateDevices?.()) ?? [];
  return all
    .filter(({ kind }) => kind === "audioinput" || kind === "audiooutput")
    .map(({ deviceId, label, kind }, n) => ({ id: deviceId, name: label || `Device ${n + 1}`, kind }));
}
