// Helpers for the page's elements. They write only where something changes, so that screen readers stay calm.

const SVG = "http://www.w3.org/2000/svg";

/** The element with this id; an error if there is none. */
export function find(id) {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`the page has no element #${id}`);
  return element;
}

/** The elements with these ids, by id: a view keeps them, because another view may take its place. */
export function findAll(...ids) {
  return Object.fromEntries(ids.map((id) => [id, find(id)]));
}

/** Make an element with children; names with a dash, `role` and `scope` are attributes, other names are properties. */
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes("-") || name === "role" || name === "scope") element.setAttribute(name, value);
    else element[name] = value;
  }
  element.append(...children);
  return element;
}

/** Make an SVG element with attributes and children. */
export function draw(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** Write a text, unless it is there already. */
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Set an attribute, unless it has this value already; null removes it. */
export function mark(element, name, value) {
  if (value === null) element.removeAttribute(name);
  else if (element.getAttribute(name) !== String(value)) element.setAttribute(name, value);
}
