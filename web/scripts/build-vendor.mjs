/**
 * Builds the shared modules one by one into dist/vendor with hashed names, writes importmap.json (specifier to address)
 * and contract.json (versions and export names: the server refuses an app that asks for more).
 * Does nothing when the inputs are those of the last build.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { build, esmExternalRequirePlugin } from 'vite';
import { DIST, SHARED, WEB } from './shared.mjs';

const require = createRequire(resolve(WEB, 'package.json'));
const OUT = resolve(DIST, 'vendor');
const ICONS = '@ant-design/icons/es/components/';
const GROUPS = [
  ['react', 'react/jsx-runtime', 'react/jsx-dev-runtime'],
  ['react-dom', 'react-dom/client'],
  ['antd', `${ICONS}AntdIconLight`, `${ICONS}AntdIcon`, `${ICONS}Context`],
  ['@tanstack/react-query'], ['react-router'], ['i18next'], ['react-i18next'], ['dayjs'], ['@headworks/app-sdk'],
];
const COMMONJS = /^react(-dom)?($|\/)/;
const WITH_DEFAULT = new RegExp(`^(react|react-dom|i18next|dayjs|${ICONS}.*)$`);
const NO_NAMES = new Set(['dayjs', `${ICONS}AntdIconLight`, `${ICONS}AntdIcon`]);

function packageOf(specifier) {
  return specifier.split('/').slice(0, specifier.startsWith('@') ? 2 : 1).join('/');
}

function versionOf(name) {
  const folder = name === '@headworks/app-sdk' ? 'packages/app-sdk' : `node_modules/${name}`;
  return JSON.parse(readFileSync(resolve(WEB, folder, 'package.json'), 'utf8')).version;
}

function stamp() {
  const hash = createHash('sha256');
  const sdk = resolve(WEB, 'packages/app-sdk/src');
  const files = ['package-lock.json', 'scripts/build-vendor.mjs', 'scripts/shared.mjs', 'packages/app-sdk/shared.json'];
  for (const f of files) hash.update(readFileSync(resolve(WEB, f)));
  for (const f of readdirSync(sdk).sort()) hash.update(readFileSync(resolve(sdk, f)));
  return hash.digest('hex');
}

function facadeOf(specifier) {
  if (COMMONJS.test(specifier)) {
    process.env.NODE_ENV = 'production';
    const names = Object.keys(require(specifier)).filter((n) => n !== 'default');
    const tail = WITH_DEFAULT.test(specifier) ? `export { default } from '${specifier}';` : '';
    return `export { ${names.join(', ')} } from '${specifier}'; ${tail}`;
  }
  const head = NO_NAMES.has(specifier) ? '' : `export * from '${specifier}';`;
  return head + (WITH_DEFAULT.test(specifier) ? `export { default } from '${specifier}';` : '');
}

function facades() {
  return {
    name: 'headworks-facade',
    resolveId: (id) => (id.startsWith('virtual:') ? `\0${id}` : undefined),
    load: (id) => (id.startsWith('\0virtual:') ? facadeOf(id.slice('\0virtual:'.length)) : undefined),
  };
}

async function buildGroup(group, imports, exports) {
  const others = SHARED.filter((s) => !group.includes(s));
  const names = new Map(group.map((s) => [s.replace(/^@/, '').replaceAll('/', '-'), s]));
  const result = await build({
    configFile: false, root: WEB, mode: 'production', base: '/vendor/', publicDir: false, logLevel: 'error',
    define: { 'process.env.NODE_ENV': '"production"' },
    resolve: { dedupe: ['react', 'react-dom'] },
    plugins: [
      esmExternalRequirePlugin({ external: others.map((s) => new RegExp(`^${s}$`)) }),
      facades(),
    ],
    build: {
      outDir: OUT, emptyOutDir: false, target: 'es2022', modulePreload: false, reportCompressedSize: false,
      chunkSizeWarningLimit: 4000,
      rolldownOptions: {
        input: Object.fromEntries([...names].map(([n, s]) => [n, `virtual:${s}`])),
        preserveEntrySignatures: 'strict',
        output: { format: 'es', entryFileNames: '[name]-[hash].js', chunkFileNames: '[name]-[hash].js' },
      },
    },
  });
  for (const file of result.output) {
    if (file.type !== 'chunk' || !file.isEntry) continue;
    const specifier = names.get(file.name);
    imports[specifier] = `/vendor/${file.fileName}`;
    exports[specifier] = [...file.exports].sort();
  }
}

const wanted = stamp();
const stampFile = resolve(OUT, '.stamp');
if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === wanted) {
  console.log('vendor: unchanged');
} else {
  rmSync(OUT, { recursive: true, force: true });
  mkdirSync(OUT, { recursive: true });
  const imports = {};
  const exports = {};
  for (const group of GROUPS) await buildGroup(group, imports, exports);
  const missing = SHARED.filter((s) => !imports[s]);
  if (missing.length) throw new Error(`vendor: not built: ${missing.join(', ')}`);
  const versions = Object.fromEntries([...new Set(SHARED.map(packageOf))].map((p) => [p, versionOf(p)]));
  writeFileSync(resolve(OUT, 'importmap.json'), JSON.stringify({ imports }));
  writeFileSync(resolve(OUT, 'contract.json'), JSON.stringify({ versions, exports }, null, 1));
  writeFileSync(stampFile, wanted);
}
