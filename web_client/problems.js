// What went wrong, as a person wants to read it: what happened, and what to do. Pure.

const SENTENCES = {
  insecure: ["This page may not use a microphone", "Browsers allow it only over https, or on the machine itself (localhost). Ask for the https address of this page."],
  unsupported: ["This browser cannot make calls", "It lacks what the page needs to carry sound. A current Firefox, Chrome, Edge or Safari has it."],
  nomicrophone: ["No microphone was found", "Plug one in or switch it on, then try again. You can also type instead of speaking."],
  denied: ["The microphone is not allowed here", "Allow it in the browser's address bar or settings, then try again. You can also type instead of speaking."],
  busymicrophone: ["The microphone does not answer", "Another program may be holding it. Close that program, then try again, or type instead of speaking."],
  full: ["All lines are busy", "Somebody has to hang up first."],
  token: ["This server asks for a token", "Open the page with the address you were given, which ends in ?token=…"],
  refused: ["The server did not take the call", "Try again in a while."],
  unreachable: ["The server cannot be reached", "Look whether you are online, then try again."],
  lost: ["The connection was lost", "It did not come back within 30 seconds. You can call again."],
  idle: ["The call ended because no sound arrived", "The microphone may have been switched off. You can call again."],
  error: ["Something went wrong", "The call was ended. You can call again."],
  stopping: ["The server is being restarted", "Call again in a minute."],
};

/** Title and advice for a failed state; the server's own sentence, where there is one, as detail. */
export function describe({ problem, message }) {
  const [title, advice] = SENTENCES[problem] ?? SENTENCES.error;
  return { title, advice, detail: message ?? "", canType: TYPE.includes(problem) };
}

const TYPE = ["nomicrophone", "denied", "busymicrophone"];

/** The problem that an error of getUserMedia stands for. */
export function ofMicrophone(name) {
  if (name === "NotAllowedError" || name === "SecurityError") return "denied";
  if (name === "NotFoundError" || name === "OverconstrainedError") return "nomicrophone";
  return "busymicrophone";
}
