"use strict";
(() => {
  const index = JSON.parse(document.getElementById("index").textContent);
  const packed = [...document.querySelectorAll("script.frame")];
  const frames = new Map();
  const texts = new Map();

  /* Unpack a frame: a list of chunks. */
  const unpack = async (number) => {
    const bytes = Uint8Array.from(atob(packed[number].textContent), (c) => c.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return JSON.parse(await new Response(stream).text());
  };
  const frameOf = (chunk) => {
    let low = 0;
    let high = index.frames.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (index.frames[middle] <= chunk) low = middle;
      else high = middle - 1;
    }
    return low;
  };
  const readText = async (number) => {
    if (!texts.has(number)) {
      const parts = [];
      for (const chunk of index.texts[number]) {
        const frame = frameOf(chunk);
        if (!frames.has(frame)) frames.set(frame, unpack(frame));
        parts.push((await frames.get(frame))[chunk - index.frames[frame]]);
      }
      texts.set(number, parts.join(""));
    }
    return texts.get(number);
  };

  /* Put a text into its place; everything goes in as text, never as markup. */
  const patternOf = (words) => new RegExp(words.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&"), "giu");
  const append = (place, text, words, name) => {
    const line = name ? document.createElement("span") : place;
    if (name) {
      line.className = name;
      place.append(line);
    }
    let from = 0;
    for (const match of words ? text.matchAll(patternOf(words)) : []) {
      line.append(text.slice(from, match.index));
      const hit = document.createElement("mark");
      hit.textContent = match[0];
      line.append(hit);
      from = match.index + match[0].length;
    }
    line.append(text.slice(from));
  };
  const COLORS = { "+": "add", "-": "del", "@": "place" };
  const fill = async (details, words = "") => {
    const text = await readText(Number(details.dataset.text));
    const place = details.querySelector("pre");
    place.textContent = "";
    if (details.dataset.kind === "diff") {
      for (const line of text.split("\n")) append(place, line + "\n", words, COLORS[line[0]]);
    } else {
      append(place, text, words);
    }
    details.dataset.words = words;
  };
  const places = [...document.querySelectorAll("details[data-text]")];
  for (const details of places) {
    details.addEventListener("toggle", () => {
      if (details.open && details.dataset.words !== sought) fill(details, sought);
    });
  }

  /* Search. */
  const field = document.getElementById("words");
  const said = document.getElementById("hits");
  let sought = "";
  let hits = [];
  let current = -1;
  const open = (element) => {
    for (let outer = element; outer; outer = outer.parentElement) {
      if (outer.tagName === "DETAILS") outer.open = true;
    }
  };
  const visit = async (step) => {
    if (!hits.length) return;
    current = (current + step + hits.length) % hits.length;
    const place = hits[current];
    if (place.dataset.text !== undefined) await fill(place, sought);
    open(place);
    said.textContent = `${current + 1} of ${hits.length} texts`;
    (place.querySelector("mark") || place).scrollIntoView({ block: "center" });
  };
  const search = async () => {
    const words = field.value.trim();
    if (words === sought) return;
    sought = words;
    hits = [];
    current = -1;
    if (!words) {
      said.textContent = "";
      return;
    }
    said.textContent = "searching…";
    const inPage = [...document.querySelectorAll(".reason, .check, .changes, .description")];
    const holds = (text) => text.search(patternOf(words)) >= 0;
    const found = inPage.filter((element) => holds(element.textContent));
    for (const details of places) {
      const text = await readText(Number(details.dataset.text));
      if (sought !== words) return;
      if (holds(text)) found.push(details);
    }
    const order = Node.DOCUMENT_POSITION_FOLLOWING;
    hits = found.sort((a, b) => (a.compareDocumentPosition(b) & order ? -1 : 1));
    said.textContent = hits.length ? `${hits.length} texts` : "nothing found";
    await visit(1);
  };
  let timer = 0;
  field.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(search, 200);
  });
  field.form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (field.value.trim() === sought) visit(1);
    else search();
  });
  document.getElementById("later").addEventListener("click", () => visit(1));
  document.getElementById("earlier").addEventListener("click", () => visit(-1));
  document.addEventListener("keydown", (event) => {
    const typing = event.target === field;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape" && typing) {
      event.preventDefault(); /* the words stay, for n and N */
      field.blur();
    } else if (typing) return;
    else if (event.key === "/") {
      event.preventDefault();
      field.focus();
    } else if (event.key === "n") visit(1);
    else if (event.key === "N") visit(-1);
  });

  /* A link leads to what is folded, and #find=WORDS to what it finds. */
  const readHash = () => {
    const name = location.hash.slice(1);
    try {
      return decodeURIComponent(name);
    } catch {
      return name; /* a stray % */
    }
  };
  const follow = () => {
    const name = readHash();
    if (name.startsWith("find=")) {
      field.value = name.slice("find=".length);
      search();
      return;
    }
    const target = document.getElementById(name);
    if (target) {
      open(target);
      target.scrollIntoView();
    }
  };
  window.addEventListener("hashchange", follow);
  follow();

  /* On paper, attempts stand open; prompts stay folded. */
  window.addEventListener("beforeprint", () => {
    for (const details of document.querySelectorAll(".attempt, .facts")) details.open = true;
  });
})();
