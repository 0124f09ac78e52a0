/**
 * Fails when a feature's catalogues differ in keys or placeholders, when a text is empty, when a key used in the source
 * is not in the catalogue, or when Chinese text stands in a source file instead of a catalogue.
 */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { extname, join, relative, resolve } from 'node:path';
import { WEB } from './shared.mjs';

const LANGUAGES = ['zh-CN', 'en'];
const FEATURES = resolve(WEB, 'src/features');
const problems = [];

function flatten(tree, prefix = '', out = new Map()) {
  for (const [key, value] of Object.entries(tree)) {
    const path = prefix ? `${prefix}.${key}` : key;
    if (typeof value === 'string') out.set(path, value);
    else flatten(value, path, out);
  }
  return out;
}

function sources(folder, out = []) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) sources(path, out);
    else if (['.ts', '.tsx'].includes(extname(entry.name))) out.push(path);
  }
  return out;
}

const holes = (text) => [...text.matchAll(/\{\{(\w+)\}\}/g)].map((m) => m[1]).sort().join();
const catalogues = new Map();

for (const feature of readdirSync(FEATURES)) {
  const [zh, en] = LANGUAGES.map((language) => {
    const path = resolve(FEATURES, feature, 'locale', `${language}.json`);
    if (!existsSync(path)) { problems.push(`${feature}: ${language}.json is missing`); return new Map(); }
    return flatten(JSON.parse(readFileSync(path, 'utf8')));
  });
  catalogues.set(feature, zh);
  for (const key of new Set([...zh.keys(), ...en.keys()])) {
    if (!zh.has(key)) problems.push(`${feature}: zh-CN lacks ${key}`);
    else if (!en.has(key)) problems.push(`${feature}: en lacks ${key}`);
    else if (holes(zh.get(key)) !== holes(en.get(key))) problems.push(`${feature}: ${key}: placeholders differ`);
    else if (!zh.get(key).trim() || !en.get(key).trim()) problems.push(`${feature}: ${key} is empty`);
    if (en.has(key) && /[\u4e00-\u9fff]/.test(en.get(key)) && key !== 'language.zh-CN') {
      problems.push(`${feature}: en text of ${key} is Chinese`);
    }
  }
}

for (const path of sources(resolve(WEB, 'src'))) {
  const text = readFileSync(path, 'utf8');
  const name = relative(WEB, path);
  const bare = text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/\/\/.*$/gm, '');
  if (/[\u4e00-\u9fff]/.test(bare)) problems.push(`${name}: Chinese text outside a catalogue`);
  for (const [, feature, key] of bare.matchAll(/\bt\(\s*'([a-z]+):([\w.-]+)'/g)) {
    if (!catalogues.get(feature)?.has(key)) problems.push(`${name}: ${feature}:${key} is not in the catalogue`);
  }
}

if (problems.length) {
  console.error(problems.join('\n'));
  process.exit(1);
}
console.log(`locale: ${[...catalogues.values()].reduce((n, c) => n + c.size, 0)} texts, equal in both languages`);
