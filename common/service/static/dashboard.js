"use strict";
/* Keeps the dashboard up to date from /events: the picture is an MJPEG stream, the rest is events.
   Two connections a page, none while it is hidden: a browser has six for one host. */
(() => {
  const $ = (id) => document.getElementById(id);
  const make = (tag, text = "", className = "") =>
    Object.assign(document.createElement(tag), { textContent: text, className });
  const plain = (value) =>
    String(typeof value === "number" ? Number(value.toPrecision(4)) : value);

  const live = $("live");
  const MOST_FOUND = 24;
  const MOST_RECORDS = 8;
  const KNOWN = new Set(["part", "caption", "verdict", "findings", "counters", "drivers", "simulated", "bars", "steps", "pictures"]);
  let demo = live.dataset.demo;
  let paused = !demo;
  let failed = false;
  let source = null;

  const setState = (element, state) => {
    element.dataset.state = state;
    element.textContent = state;
  };
  const pairs = (list, entries, wrap) => {
    list.replaceChildren(...entries.flatMap(([name, value]) => {
      const pair = [make("dt", name), value instanceof Node ? value : make("dd", plain(value))];
      if (!wrap) return pair;
      const group = document.createElement("div");
      group.append(...pair);
      return [group];
    }));
  };

  /* the demonstration ----------------------------------------------------------------------- */
  const showFinding = (finding, part) => {
    const item = document.createElement("li");
    const picture = new Image(48, 48);
    picture.alt = "";
    if (finding.thumbnail) picture.src = finding.thumbnail;
    const what = make("span", finding.label ?? "finding");
    const [x0, y0, x1, y1] = finding.box_px.map(Math.round);
    const where = `${x1 - x0} × ${y1 - y0} px at ${x0}, ${y0}`;
    what.append(make("small", part === undefined ? where : `part ${part} · ${where}`));
    item.append(picture, what, make("b", plain(finding.score)));
    return item;
  };
  const toneOf = (verdict) => (verdict === "good" ? "met" : "not-met");
  const showPicture = (figure, told) => { /* the image is changed only when it is another one */
    const [title, image, notes] = figure.children;
    title.replaceChildren(told.title);
    if (told.verdict) title.append(" ", make("span", told.verdict, `chip ${toneOf(told.verdict)}`));
    image.hidden = !told.image;
    image.alt = told.title;
    if (told.image && image.src !== told.image) image.src = told.image;
    notes.replaceChildren(...(told.notes ?? []).map((note) => make("li", note)));
  };
  const showPictures = (pictures) => {
    const place = $("pictures");
    while (place.children.length > pictures.length) place.lastElementChild.remove();
    while (place.children.length < pictures.length) {
      const figure = make("figure");
      figure.append(make("h3"), new Image(), make("ul"));
      place.append(figure);
    }
    pictures.forEach((told, i) => showPicture(place.children[i], told));
  };
  const showBars = (groups) => {
    $("bars").replaceChildren(...Object.entries(groups).flatMap(([title, values]) => {
      const most = Math.max(1, ...Object.values(values));
      const list = make("dl", "", "bars");
      pairs(list, Object.entries(values).map(([name, value]) => {
        const cell = make("dd");
        const bar = make("i");
        bar.style.width = `${(100 * value) / most}%`;
        cell.append(bar, make("b", plain(value)));
        return [name, cell];
      }), false);
      return [make("h3", title), list];
    }));
  };
  const showSteps = (groups) => {
    $("steps").replaceChildren(...Object.entries(groups).flatMap(([title, steps]) => {
      const list = make("ol", "", "steps");
      list.append(...steps.map(({ name, text, state }) => {
        const item = make("li");
        const mark = make("span", text, "state");
        mark.dataset.state = state;
        item.append(make("b", name), mark);
        return item;
      }));
      return [make("h3", title), list];
    }));
  };
  const onFacts = (facts) => {
    const verdict = $("verdict");
    verdict.hidden = !facts.verdict;
    verdict.textContent = facts.verdict ?? "";
    verdict.className = `chip ${toneOf(facts.verdict)}`;
    $("part").textContent = facts.caption ?? (facts.part === undefined ? "" : `part ${facts.part}`);
    $("simulated").hidden = !facts.simulated;
    pairs($("counters"), Object.entries(facts.counters ?? {}), true);
    showBars(facts.bars ?? {});
    showSteps(facts.steps ?? {});
    if (facts.pictures) showPictures(facts.pictures);
    const drivers = Object.entries(facts.drivers ?? {}).map(([name, state]) => {
      const cell = document.createElement("dd");
      const mark = make("span", "", "state");
      setState(mark, state);
      cell.append(mark);
      return [name, cell];
    });
    const rest = Object.entries(facts).filter(([key, value]) => !KNOWN.has(key) && typeof value !== "object");
    pairs($("facts"), [...drivers, ...rest], false);
    const list = $("findings");
    list.prepend(...(facts.findings ?? []).map((finding) => showFinding(finding, facts.part)));
    while (list.children.length > MOST_FOUND) list.lastElementChild.remove();
    const finds = facts.findings !== undefined || list.children.length > 0;
    $("found-title").hidden = !finds;
    $("nothing").hidden = !finds || list.children.length > 0;
  };
  const onDemo = (state) => {
    failed = Boolean(state && state.state === "failed");
    const trouble = $("trouble");
    trouble.hidden = !failed;
    if (failed) $("part").textContent = "";
    trouble.textContent = failed ? `The demonstration stopped: ${state.error}. Pause and resume to try again.` : "";
  };

  /* the service ------------------------------------------------------------------------------- */
  const duration = (seconds) => {
    const [d, h, m] = [seconds / 86400, (seconds / 3600) % 24, (seconds / 60) % 60].map(Math.floor);
    return d ? `${d} d ${h} h` : h ? `${h} h ${m} min` : m ? `${m} min` : `${Math.floor(seconds)} s`;
  };
  const tell = (key, text) => { document.querySelector(`#system [data-key=${key}]`).textContent = text; };
  const onStatus = (status) => {
    setState($("state"), status.state);
    tell("uptime", duration(status.uptime_s));
    tell("queue", `${status.queue.taken} of ${status.queue.capacity} places`);
    tell("load", `${status.machine.load_1min} on ${status.machine.cores} cores`);
    tell("memory", `${status.machine.peak_memory_mib} MiB`);
    tell("disk", `${status.machine.disk_free_gib} GiB`);
    $("record-count").textContent = status.records;
    for (const direction of status.directions) {
      const row = document.querySelector(`[data-direction="${CSS.escape(direction.name)}"] .state`);
      if (row) setState(row, direction.error ? "broken" : direction.demo ? direction.demo.state : "served");
      if (direction.name === demo) onDemo(direction.demo);
    }
  };
  const stamp = (element) => {
    const time = new Date(Number(element.dataset.ns) / 1e6);
    element.dateTime = time.toISOString();
    element.textContent = time.toLocaleString();
  };
  const onRecord = (record) => {
    const item = document.createElement("li");
    const time = document.createElement("time");
    time.dataset.ns = record.time_ns;
    stamp(time);
    item.append(make("code", record.id), make("span", record.kind), time);
    $("records").prepend(item);
    $("no-records").hidden = true;
    while ($("records").children.length > MOST_RECORDS) $("records").lastElementChild.remove();
  };

  /* connections ------------------------------------------------------------------------------- */
  const disconnect = () => {
    if (source) source.close();
    source = null;
    if ($("picture")) $("picture").removeAttribute("src");
  };
  const connect = () => {
    disconnect();
    if (document.hidden) return;
    const watched = demo && !paused;
    source = new EventSource(watched ? `/events?demo=${encodeURIComponent(demo)}` : "/events");
    const on = (name, show) => source.addEventListener(name, (event) => show(JSON.parse(event.data)));
    on("status", onStatus);
    on("record", onRecord);
    on("facts", onFacts);
    source.addEventListener("open", () => { /* also after a reconnection: the picture ended too */
      if (!watched) return;
      $("findings").replaceChildren(); /* the last ones are told anew */
      $("picture").src = `/demo/${encodeURIComponent(demo)}/stream?${Date.now()}`;
    });
    source.addEventListener("error", () => {
      setState($("state"), "offline");
      if (failed && watched) { /* do not start it again and again */
        paused = true;
        $("pause").setAttribute("aria-pressed", "true");
        $("pause").textContent = "Resume";
        connect();
      }
    });
  };
  const show = (name) => {
    demo = name;
    paused = false;
    for (const button of document.querySelectorAll("[data-show]")) {
      button.setAttribute("aria-pressed", String(button.dataset.show === name));
    }
    for (const id of ["findings", "counters", "facts", "bars", "steps", "pictures"]) $(id).replaceChildren();
    for (const id of ["verdict", "simulated", "nothing"]) $(id).hidden = true;
    $("part").textContent = "starting";
    connect();
  };

  for (const button of document.querySelectorAll("[data-show]")) {
    button.addEventListener("click", () => show(button.dataset.show));
  }
  if ($("pause")) {
    $("pause").addEventListener("click", () => {
      paused = !paused;
      $("pause").setAttribute("aria-pressed", String(paused));
      $("pause").textContent = paused ? "Resume" : "Pause";
      connect();
    });
  }
  document.querySelectorAll("time[data-ns]").forEach(stamp);
  document.addEventListener("visibilitychange", connect);
  connect();
})();
