// Makes or uses a passkey, then sends the form that its button stands in.
const able = globalThis.PublicKeyCredential?.parseCreationOptionsFromJSON !== undefined;

for (const form of document.querySelectorAll("form[data-passkey]")) {
  if (!able) continue;
  form.hidden = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const asked = await fetch(form.dataset.options, { method: "POST", body: new FormData(form), cache: "no-store" });
    if (!asked.ok) return location.reload();
    const options = await asked.json();
    try {
      const made = form.dataset.passkey === "make"
        ? await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) })
        : await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) });
      form.elements.answer.value = JSON.stringify(made.toJSON());
    } catch {
      form.elements.answer.value = "";
    }
    form.submit();
  });
}
