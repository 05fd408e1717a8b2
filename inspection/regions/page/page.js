"use strict";
/* A picture goes up, its regions come back; the operator says what they truly are. */
(async () => {
  const $ = (id) => document.getElementById(id);
  const form = $("inspect");
  const shown = $("shown");

  const make = (name, told) => Object.assign(document.createElement(name), told);
  const fail = (text) => {
    $("trouble").hidden = !text;
    $("trouble").textContent = text;
  };
  const asked = async (path, request) => {
    const answer = await fetch(`/inspection/${path}`, request);
    const told = await answer.json().catch(() => ({}));
    if (answer.ok) return told;
    if (typeof told.detail === "string") throw new Error(told.detail);
    if (Array.isArray(told.detail)) throw new Error(told.detail.map((d) => `${d.loc.at(-1)}: ${d.msg}`).join("; "));
    throw new Error(`The server answered ${answer.status}.`);
  };
  const guarded = (act) => async (event) => {
    event.preventDefault();
    fail("");
    try {
      await act(event);
    } catch (error) {
      fail(error.message);
    }
  };
  const picture = (file) => new Promise((done) => { /* a data: address, as the page's policy allows */
    const reader = new FileReader();
    reader.addEventListener("load", () => done(reader.result));
    reader.readAsDataURL(file);
  });

  const row = (record, region, text) => {
    const line = make("form", {});
    const said = make("input", { name: "kind", required: true, pattern: "[a-z][a-z0-9_\\-]{0,31}", title: "a-z, 0-9, - and _", placeholder: "what it is" });
    said.setAttribute("list", "kinds");
    said.setAttribute("aria-label", `${text}: what it is`);
    const state = make("small", {});
    line.append(make("span", { textContent: text }), said, make("button", { textContent: "Correct" }), state);
    line.addEventListener("submit", guarded(async () => {
      const body = JSON.stringify({ record, region, kind: said.value });
      const kept = await asked("corrections", { method: "POST", headers: { "Content-Type": "application/json" }, body });
      state.textContent = `${kept.was} → ${kept.kind}, kept as ${kept.id}`;
    }));
    const item = make("li", {});
    item.append(line);
    return item;
  };
  const box = (one, i, { width_px, height_px }) => {
    const [x0, y0, x1, y1] = one.box_px;
    const mark = make("span", { textContent: i });
    const share = (value, of) => `${(100 * value) / of}%`;
    Object.assign(mark.style, {
      left: share(x0, width_px), top: share(y0, height_px),
      width: share(x1 - x0, width_px), height: share(y1 - y0, height_px),
    });
    return mark;
  };
  const present = (verdict) => {
    const { record, findings } = verdict;
    $("told").textContent = `Record ${record}: ${verdict.defective ? "defective" : "good"}, ${findings.length} regions`;
    $("boxes").replaceChildren(...findings.map((one, i) => box(one, i, verdict)));
    const known = findings.flatMap((one, i) => (one.features.length ? [row(record, i, size(one, i))] : []));
    $("regions").replaceChildren(...known, row(record, null, "A defect that was missed"));
  };
  const size = (one, i) => {
    const told = (value, u, unit) => `, ${value.toFixed(1)} ± ${u.toFixed(1)} ${unit}`;
    const in_px = one.size_px === null ? "" : told(one.size_px, one.u_size_px, "px");
    const across = one.u_size_um === null ? in_px : told(one.size_um, one.u_size_um, "um");
    return `${i}: ${one.label}${across}`;
  };

  const job = () => `jobs/${encodeURIComponent(form.job.value)}`;
  const link = () => {
    $("file").hidden = !form.job.value;
    $("file").href = `/inspection/${job()}/corrections.jsonl`;
  };
  form.job.addEventListener("change", link);
  form.addEventListener("submit", guarded(async () => {
    const body = new FormData();
    for (const name of ["image", "reference"]) if (form[name].files[0]) body.set(name, form[name].files[0]);
    if (form.um_per_px.value) body.set("um_per_px", form.um_per_px.value);
    $("told").textContent = "Working …";
    $("boxes").replaceChildren();
    $("regions").replaceChildren();
    shown.src = await picture(form.image.files[0]);
    shown.hidden = false;
    try {
      present(await asked(`${job()}/inspect`, { method: "POST", body }));
    } catch (error) {
      $("told").textContent = "Nothing was inspected.";
      throw error;
    }
  }));

  try {
    const names = await asked("jobs", {});
    form.job.replaceChildren(...names.map((name) => new Option(name, name)));
    if (!names.length) fail("No job yet: put NAME.job into the folder jobs of the service's state folder, which `lingnan doctor` names.");
    link();
  } catch (error) {
    fail(error.message);
  }
})();
