"use strict";
/* The order form: a picture goes up, a sample and its mask come back. */
(async () => {
  const $ = (id) => document.getElementById(id);
  const form = $("order");
  const shown = $("shown");
  let kinds = {};
  let made = null;
  let isMask = false;

  const tell = (text) => { $("told").textContent = text; };
  const fail = (text) => {
    $("trouble").hidden = !text;
    $("trouble").textContent = text;
  };
  const options = (select, names) =>
    select.replaceChildren(...names.map((name) => new Option(name, name)));
  const reason = async (answer) => {
    const told = await answer.json().catch(() => ({}));
    if (typeof told.detail === "string") return told.detail;
    if (Array.isArray(told.detail)) return told.detail.map((d) => `${d.loc.at(-1)}: ${d.msg}`).join("; ");
    return `The server answered ${answer.status}.`;
  };
  const show = (source) => {
    shown.src = source;
    shown.hidden = false;
  };
  const forget = () => {
    made = null;
    for (const id of ["switch", "save-image", "save-mask"]) $(id).hidden = true;
  };
  const present = () => {
    show(isMask ? made.mask : made.image);
    $("switch").textContent = isMask ? "Show the sample" : "Show the mask";
  };

  form.method.addEventListener("change", () => options(form.kind, kinds[form.method.value] ?? []));
  form.image.addEventListener("change", () => {
    const reader = new FileReader(); /* a data: address, as the page's policy allows */
    forget();
    reader.addEventListener("load", () => show(reader.result));
    if (form.image.files[0]) reader.readAsDataURL(form.image.files[0]);
    tell("The good picture.");
  });
  shown.addEventListener("click", (event) => {
    const box = shown.getBoundingClientRect();
    const along = (value, size, pixels) => Math.floor((value / size) * pixels);
    form.x_px.value = along(event.clientX - box.left, box.width, shown.naturalWidth);
    form.y_px.value = along(event.clientY - box.top, box.height, shown.naturalHeight);
  });
  $("switch").addEventListener("click", () => {
    isMask = !isMask;
    present();
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    fail("");
    tell("Working …");
    const order = new FormData(form);
    for (const [name, value] of [...order]) if (value === "") order.delete(name);
    try {
      const answer = await fetch("/inspection/generate", { method: "POST", body: order });
      if (!answer.ok) throw new Error(await reason(answer));
      const sample = await answer.json();
      made = { image: `data:image/png;base64,${sample.image_png}`, mask: `data:image/png;base64,${sample.mask_png}` };
      isMask = false;
      present();
      for (const id of ["switch", "save-image", "save-mask"]) $(id).hidden = false;
      $("save-image").href = made.image;
      $("save-mask").href = made.mask;
      const { kind, size_px, x_px, y_px } = sample.place;
      tell(`${kind}, ${size_px} px at ${x_px}, ${y_px}`);
    } catch (error) {
      fail(error.message);
      tell("Nothing was made.");
    }
  });

  const answer = await fetch("/inspection/generate/kinds");
  if (!answer.ok) return fail(await reason(answer));
  kinds = await answer.json();
  options(form.method, Object.keys(kinds));
  options(form.kind, kinds[form.method.value]);
})();
