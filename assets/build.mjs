// Writes what the style sheet needs beside it in static/app: the font and the icon sprite. Same input, same bytes.
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const packages = `${root}node_modules`;
const target = `${root}static/app`;
const LINE = 'viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round"';
const SOLID = 'viewBox="0 0 24 24" fill="currentColor"';

function shapes(file) {
  const svg = readFileSync(`${packages}/${file}`, "utf8");
  const inner = svg.slice(svg.indexOf(">", svg.indexOf("<svg")) + 1, svg.lastIndexOf("</svg>"));
  return inner.replace(/<title>.*?<\/title>|<path stroke="none"[^>]*>/gs, "").replace(/\s*\n\s*/g, "");
}

function symbol(id, look, file) {
  return `<symbol id="${id}" ${look}>${shapes(file)}</symbol>`;
}

const { tabler, marks } = JSON.parse(readFileSync(`${root}assets/icons.json`, "utf8"));
const symbols = [
  ...tabler.map((name) => symbol(name, LINE, `@tabler/icons/icons/outline/${name}.svg`)),
  ...marks.map((name) => symbol(`mark-${name}`, SOLID, `simple-icons/icons/${name}.svg`)),
];
writeFileSync(`${target}/icons.svg`, `<svg xmlns="http://www.w3.org/2000/svg">\n${symbols.join("\n")}\n</svg>\n`);
copyFileSync(`${packages}/@fontsource-variable/inter/files/inter-latin-wght-normal.woff2`, `${target}/inter-latin.woff2`);
