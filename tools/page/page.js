"use strict";

// What page.py knows of the messages. about: of each field, its name, where it is laid down, what
// it is for. messages: file, facts, hex, fields; a field is its key in `about`, its value, its ranges.
const { about, messages } = JSON.parse(document.getElementById("data").textContent);

const MANY = 200; // messages that can be opened at once
const BYTES = 32; // of a field that are explained with it
const WIDTH = 8; // bytes in a row
const ZEROS = 3; // rows of zeros of the same field from which on they become one

function make(tag, name, ...inside) {
  const element = document.createElement(tag);
  if (name) element.className = name;
  element.append(...inside);
  return element;
}

// A message's fields and bytes ---------------------------------------------------------------

function title([key]) {
  return /^\d/.test(key) ? `${key} ${about[key][0]}` : about[key][0];
}

function fieldList(fields) {
  const list = make("ul", "fields");
  fields.forEach((field, number) => {
    const button = make("button", "field", make("span", "name", title(field)), " ");
    button.append(make("span", "value", field[1]));
    button.type = "button";
    button.dataset.field = number;
    button.setAttribute("aria-pressed", "false");
    list.append(make("li", "", button));
  });
  return list;
}

function owned(tag, owner, text) {
  const element = make(tag, "", text);
  element.dataset.field = owner;
  return element;
}

function dump(bytes, owners) {
  const box = make("div", "hex");
  const address = (at) => make("span", "at", at.toString(16).padStart(4, "0"));
  const blank = (at, owner) => {
    if (at + WIDTH > bytes.length) return false;
    for (let i = at; i < at + WIDTH; i++) if (bytes[i] || owners[i] !== owner) return false;
    return true;
  };
  for (let at = 0; at < bytes.length; ) {
    let end = at;
    while (blank(end, owners[at])) end += WIDTH;
    if (end - at >= ZEROS * WIDTH) {
      const run = owned("span", owners[at], `${end - at} \u00d7 00`);
      box.append(make("div", "row wide", address(at), make("span", "run", run)));
      at = end;
      continue;
    }
    const row = make("div", "row", address(at));
    const text = make("span", "ascii");
    for (let i = at; i < at + WIDTH; i++) {
      if (i >= bytes.length) {
        row.append(make("span", "none", "  "));
        continue;
      }
      const byte = bytes[i];
      row.append(owned("span", owners[i], byte.toString(16).padStart(2, "0")));
      const shown = byte > 32 && byte < 127 ? String.fromCharCode(byte) : "\u00b7";
      text.append(owned("span", owners[i], shown));
    }
    row.append(text);
    box.append(row);
    at += WIDTH;
  }
  return box;
}

function fill(detail) {
  const { file, facts, hex, fields } = messages[detail.id.slice(1)];
  const bytes = (hex.match(/../g) || []).map((pair) => parseInt(pair, 16));
  const owners = new Array(bytes.length); // of each byte, the field that it is in
  fields.forEach(([, , ranges], number) => {
    for (const [start, end] of ranges) owners.fill(number, start, end);
  });
  const explain = make("div", "explain");
  explain.setAttribute("role", "status");
  detail.append(
    make("p", "facts", `${file}, ${facts}`),
    make("div", "panes", fieldList(fields), dump(bytes, owners)),
    explain,
  );
  mark(detail);
}

function bytesOf({ hex }, [, , ranges]) {
  const bytes = ranges.flatMap(([start, end]) => hex.slice(2 * start, 2 * end).match(/../g));
  return bytes.slice(0, BYTES).join(" ") + (bytes.length > BYTES ? " \u2026" : "");
}

// Shows what a field is, and its bytes; without one, what is pinned.
function mark(detail, number = detail.dataset.pinned) {
  if (number === detail.dataset.shown && number !== undefined) return;
  for (const element of detail.querySelectorAll(".marked")) element.classList.remove("marked");
  const explain = detail.querySelector(".explain");
  if (number === undefined) {
    delete detail.dataset.shown;
    explain.replaceChildren("Point at a field or a byte, or tap it.");
    return;
  }
  detail.dataset.shown = number;
  for (const element of detail.querySelectorAll(`[data-field="${number}"]`)) {
    element.classList.add("marked");
  }
  const message = messages[detail.id.slice(1)];
  const field = message.fields[number];
  const [, place, purpose] = about[field[0]];
  const where = field[2].map(([start, end]) => (end - start > 1 ? `${start} to ${end - 1}` : start));
  explain.replaceChildren(
    make("strong", "", title(field)),
    make("span", "place", place),
    make("p", "", purpose),
    make("p", "value", field[1]),
    make("p", "place value", `at ${where.join(", ")}: ${bytesOf(message, field)}`),
  );
}

function pin(detail, number) {
  const before = detail.querySelector('.field[aria-pressed="true"]');
  if (before) before.setAttribute("aria-pressed", "false");
  if (detail.dataset.pinned === number) {
    delete detail.dataset.pinned;
  } else {
    detail.dataset.pinned = number;
    detail.querySelector(`.field[data-field="${number}"]`).setAttribute("aria-pressed", "true");
  }
  mark(detail, number);
}

function open(button, wanted) {
  const detail = document.getElementById(button.getAttribute("aria-controls"));
  if (wanted && !detail.firstChild) fill(detail);
  button.setAttribute("aria-expanded", wanted);
  detail.hidden = !wanted;
  showHits(detail);
}

const main = document.querySelector("main");

main.addEventListener("click", (event) => {
  const button = event.target.closest(".message");
  if (button) {
    open(button, button.getAttribute("aria-expanded") !== "true");
    return;
  }
  const part = event.target.closest("[data-field]");
  if (part) pin(part.closest(".detail"), part.dataset.field);
});

for (const kind of ["pointerover", "focusin"]) {
  main.addEventListener(kind, (event) => {
    const part = event.target.closest("[data-field]");
    if (part) mark(part.closest(".detail"), part.dataset.field);
  });
}

for (const kind of ["pointerout", "focusout"]) {
  main.addEventListener(kind, (event) => {
    const part = event.target.closest("[data-field]");
    if (part) mark(part.closest(".detail"));
  });
}

// Filter and search --------------------------------------------------------------------------

const client = document.getElementById("client");
const search = document.getElementById("search");
const all = document.getElementById("all");
const count = document.getElementById("count");
const texts = []; // of each message, what a search looks at; made when first needed

// In the order of their messages, which is that of `messages`, too.
let messagesBefore = 0;
const sections = [...main.querySelectorAll("section")].map((section) => {
  const rows = [...section.querySelectorAll("ol > li")];
  const first = messagesBefore;
  messagesBefore += rows.length;
  const around = [...section.querySelectorAll("h2, .verdict")].map((part) => part.textContent);
  return { section, rows, first, around: around.join("\n") };
});

function textOf(row, number, around) {
  if (!texts[number]) {
    const { facts, hex, fields } = messages[number];
    const inside = fields.map((field) => `${title(field)} ${field[1]}`);
    const shown = row.querySelector(".message").textContent;
    texts[number] = [shown, facts, hex, around, ...inside].join("\n").toLowerCase();
  }
  return texts[number];
}

function wordsSought() {
  return search.value.toLowerCase().split(/\s+/).filter(Boolean);
}

// Of an open message, the fields in which a word is.
function showHits(detail) {
  const words = wordsSought();
  for (const button of detail.querySelectorAll(".field")) {
    const text = button.textContent.toLowerCase();
    button.classList.toggle("hit", words.some((word) => text.includes(word)));
  }
}

function sift() {
  const words = wordsSought();
  let shown = 0;
  sections.forEach(({ section, rows, first, around }, number) => {
    let left = 0;
    if (!client.value || client.value === `c${number}`) {
      rows.forEach((row, at) => {
        row.hidden = !words.every((word) => textOf(row, first + at, around).includes(word));
        left += !row.hidden;
      });
    }
    section.hidden = !left;
    shown += left;
  });
  main.querySelectorAll(".detail:not([hidden])").forEach(showHits);
  all.disabled = shown > MANY;
  count.value = shown < messages.length ? `${shown} of ${messages.length} messages` : "";
}

client.addEventListener("change", sift);
search.addEventListener("input", sift);

all.addEventListener("click", () => {
  const wanted = all.getAttribute("aria-pressed") !== "true";
  all.setAttribute("aria-pressed", wanted);
  for (const { section, rows } of sections) {
    for (const row of rows) {
      const seen = !section.hidden && !row.hidden;
      if (seen || !wanted) open(row.querySelector(".message"), wanted);
    }
  }
});

sift(); // a browser may have kept what was typed
