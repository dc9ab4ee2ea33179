import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

interface Locked {
  readonly version?: string;
  readonly integrity?: string;
  readonly resolved?: string;
  readonly link?: boolean;
  readonly os?: readonly string[];
  readonly cpu?: readonly string[];
  readonly libc?: readonly string[];
}

interface LockFile {
  readonly packages: Readonly<Record<string, Locked>>;
}

const FILE = new URL('../../../../package-lock.json', import.meta.url);
/** What CI runs on. */
const PLATFORM = { os: 'linux', cpu: 'x64', libc: 'glibc' } as const;
const SHA512 = /^sha512-[A-Za-z0-9+/]{86}==$/;

/** As npm reads it: names that are allowed, or `!names` that are not. */
function admits(names: readonly string[] | undefined, name: string): boolean {
  if (names === undefined || names.includes('any')) return true;
  if (names.includes(`!${name}`)) return false;
  return names.includes(name) || names.every((each) => each.startsWith('!'));
}

function isInstalled({ os, cpu, libc }: Locked): boolean {
  return admits(os, PLATFORM.os) && admits(cpu, PLATFORM.cpu) && admits(libc, PLATFORM.libc);
}

/** What npm would take from the network as it comes. */
function unchecked({ packages }: LockFile, applies: (entry: Locked) => boolean): string[] {
  return Object.entries(packages)
    .filter(([path, entry]) => path !== '' && entry.link !== true && applies(entry))
    .filter(([, { integrity }]) => integrity === undefined || !SHA512.test(integrity))
    .map(([path, { version }]) => `${path.replace(/^.*node_modules\//, '')}@${version}`);
}

const lock = JSON.parse(readFileSync(FILE, 'utf8')) as LockFile;

test('every package of the platform that CI covers is locked by its checksum', () => {
  const installed = Object.values(lock.packages).filter(isInstalled);
  assert.ok(installed.length > 50, `${installed.length} packages`);
  assert.deepEqual(unchecked(lock, isInstalled), [], 'npm view NAME@VERSION dist.integrity has it');
});

test('so is every package of the others', () => {
  assert.deepEqual(
    unchecked(lock, () => true),
    [],
    'npm view NAME@VERSION dist.integrity has it',
  );
});

test('no package is locked to an address', () => {
  const addressed = Object.entries(lock.packages).filter(
    ([, { resolved }]) => resolved !== undefined,
  );
  assert.deepEqual(
    addressed.map(([path]) => path),
    [],
  );
});

test('what has no checksum, a weak one, or another platform’s name is told apart', () => {
  const packages: Record<string, Locked> = {
    '': {},
    'node_modules/none': { version: '1.0.0' },
    'node_modules/a/node_modules/weak': {
      version: '2.0.0',
      integrity: 'sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=',
    },
    'node_modules/elsewhere': { version: '3.0.0', os: ['darwin'] },
    'node_modules/musl': { version: '4.0.0', os: ['linux'], cpu: ['x64'], libc: ['musl'] },
    'node_modules/not-windows': { version: '5.0.0', os: ['!win32'] },
  };
  assert.deepEqual(unchecked({ packages }, isInstalled), [
    'none@1.0.0',
    'weak@2.0.0',
    'not-windows@5.0.0',
  ]);
});
