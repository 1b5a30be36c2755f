// Passkeys: the browser asks the device, the form carries its answer. Without script, or where there are none, the forms stay hidden.
interface Asked {
  problem?: string;
  challenge: string;
  host: string;
  algorithms: number[];
  user?: { id: string; name: string; shown: string };
  known: string[];
}

function bytes(text: string): Uint8Array<ArrayBuffer> {
  const plain = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
  return Uint8Array.from(plain, (letter) => letter.charCodeAt(0));
}

function text(buffer: ArrayBuffer): string {
  const plain = Array.from(new Uint8Array(buffer), (byte) => String.fromCharCode(byte)).join("");
  return btoa(plain).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

async function make(asked: Asked): Promise<object> {
  const user = asked.user ?? { id: "", name: "", shown: "" };
  const made = (await navigator.credentials.create({
    publicKey: {
      challenge: bytes(asked.challenge),
      rp: { id: asked.host, name: "Clarion" },
      user: { id: bytes(user.id), name: user.name, displayName: user.shown },
      pubKeyCredParams: asked.algorithms.map((alg) => ({ type: "public-key", alg })),
      excludeCredentials: asked.known.map((id) => ({ type: "public-key", id: bytes(id) })),
      authenticatorSelection: { residentKey: "required", userVerification: "required" },
      attestation: "none",
    },
  })) as PublicKeyCredential;
  const response = made.response as AuthenticatorAttestationResponse;
  return { client: text(response.clientDataJSON), attestation: text(response.attestationObject) };
}

async function sign(asked: Asked): Promise<object> {
  const signed = (await navigator.credentials.get({
    publicKey: { challenge: bytes(asked.challenge), rpId: asked.host, userVerification: "required" },
  })) as PublicKeyCredential;
  const response = signed.response as AuthenticatorAssertionResponse;
  return { id: text(signed.rawId), client: text(response.clientDataJSON), authenticator: text(response.authenticatorData), signature: text(response.signature) };
}

function why(error: unknown): string {
  const name = error instanceof DOMException ? error.name : "";
  if (name === "InvalidStateError") return "This device has a passkey for your account already.";
  if (name === "NotAllowedError") return "The device gave no answer: it was cancelled, took too long, or has no passkey for this site.";
  if (name === "SecurityError") return "Passkeys need the portal's own name and an encrypted connection.";
  return error instanceof Error && error.message ? error.message : "The device could not answer.";
}

async function ask(form: HTMLFormElement, answer: HTMLInputElement, said: HTMLElement): Promise<void> {
  said.textContent = "Waiting for your device…";
  try {
    const response = await fetch(`${form.getAttribute("action")}/challenge`, { method: "POST" });
    const asked = (await response.json()) as Asked;
    if (asked.problem) throw new Error(asked.problem);
    answer.value = JSON.stringify(await (form.dataset.passkey === "make" ? make(asked) : sign(asked)));
    form.submit();
  } catch (error) {
    said.textContent = why(error);
  }
}

for (const form of document.querySelectorAll<HTMLFormElement>("form[data-passkey]")) {
  const answer = form.querySelector<HTMLInputElement>("input[name=answer]");
  const said = form.querySelector<HTMLElement>("[data-said]");
  if (!answer || !said || !("PublicKeyCredential" in window)) continue;
  form.hidden = false;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void ask(form, answer, said);
  });
}
