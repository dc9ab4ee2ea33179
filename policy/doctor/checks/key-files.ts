import { relative } from 'node:path';
import { isOfAnother, isOpenToOthers, octal } from '../../file/private-file.js';
import type { FileState, HostState, KeyState } from '../examined.js';
import type { CheckResult, Draft } from '../finding.js';
import type { Premises } from '../prepared.js';

const GROUP_WRITES = 0o020;
const OTHERS_WRITE = 0o002;
const STICKY = 0o1000;
const ROOT = 0;

/** Whether secrets are open to nobody but us, and nobody can put others in their place. */
export function keyFileCheck({ host }: Premises): CheckResult {
  const { user } = host;
  if (user === null) {
    const remedy = 'see by the means of this system that nobody else can read the files';
    const message = 'this system has no file modes as POSIX knows them';
    return { drafts: [], unseen: [{ subject: 'key files', message, remedy }] };
  }
  // Root looks after the files of whoever seals: the user whose the memory is.
  const owner = user === ROOT ? (host.memory?.stat?.user ?? null) : user;
  const drafts = [
    ...host.secrets.flatMap(openSecret),
    ...(owner === null ? [] : host.secrets.flatMap((file) => foreignSecret(file, owner))),
    ...host.keyFolders.flatMap((folder) => openFolder(folder, 'key-folder-mode')),
  ];
  return { drafts, unseen: [] };
}

/** Whether the memory is there, and nobody else writes it. */
export function memoryCheck({ host }: Premises): CheckResult {
  const { memory, user } = host;
  if (memory === null) return { drafts: [], unseen: [] };
  if (memory.stat === null) {
    const draft: Draft = {
      code: 'memory-missing',
      subject: shown(memory.path),
      found: null,
      expected: 'the folder that sealstream apply made',
      remedy:
        'bring it back from a backup; if it is lost for good: sealstream verify, then sealstream adopt',
      path: memory.field,
    };
    return { drafts: [draft], unseen: [] };
  }
  return { drafts: user === null ? [] : openFolder(memory, 'memory-mode'), unseen: [] };
}

/** Whether both keys can be used, and belong together. */
export function keyPairCheck({ host }: Premises): CheckResult {
  const keys = [host.signing, host.verifying].filter((key) => key !== null);
  return { drafts: [...keys.flatMap(unusable), ...mismatch(host)], unseen: [] };
}

function openSecret({ path, field, stat }: FileState): Draft[] {
  if (stat === null || !isOpenToOthers(stat)) return [];
  return [
    {
      code: 'key-file-mode',
      subject: shown(path),
      found: `mode ${octal(stat.mode)}`,
      expected: 'mode 0600',
      remedy: `chmod 600 ${quoted(path)}`,
      path: field,
    },
  ];
}

function foreignSecret({ path, field, stat }: FileState, user: number): Draft[] {
  if (stat === null || !isOfAnother(stat, user)) return [];
  return [
    {
      code: 'key-file-owner',
      subject: shown(path),
      found: `user id ${stat.user}`,
      expected: `user id ${user}`,
      remedy: `chown ${user} ${quoted(path)}`,
      path: field,
    },
  ];
}

/** In a sticky folder nobody replaces the file of another; a user's own group has nobody else in it. */
function openFolder(
  { path, field, stat }: FileState,
  code: 'key-folder-mode' | 'memory-mode',
): Draft[] {
  if (stat === null || (stat.mode & STICKY) !== 0) return [];
  const closed = stat.user === stat.group ? OTHERS_WRITE : OTHERS_WRITE | GROUP_WRITES;
  if ((stat.mode & closed) === 0) return [];
  return [
    {
      code,
      subject: shown(path),
      found: `mode ${octal(stat.mode)}`,
      expected: 'no write for group and others',
      remedy: `chmod go-w ${quoted(path)}`,
      path: field,
    },
  ];
}

function unusable({ path, field, error }: KeyState): Draft[] {
  if (error === null) return [];
  const signing = field[0] === 'seal';
  return [
    {
      code: 'key-unusable',
      subject: shown(path),
      found: error,
      expected: signing
        ? 'an Ed25519 private key (PKCS#8 PEM)'
        : 'an Ed25519 public key (SPKI PEM)',
      remedy: signing
        ? 'bring the key back from a backup: a new one needs its public key at every verifier'
        : `openssl pkey -in PRIVATE_KEY -pubout -out ${quoted(path)}`,
      path: field,
    },
  ];
}

function mismatch({ signing, verifying }: HostState): Draft[] {
  const [own, given] = [signing?.publicKey ?? null, verifying?.publicKey ?? null];
  if (signing === null || verifying === null || own === null || given === null) return [];
  if (own === given) return [];
  return [
    {
      code: 'key-mismatch',
      subject: shown(verifying.path),
      found: `public key ${given}`,
      expected: `public key ${own}, of ${shown(signing.path)}`,
      remedy: `openssl pkey -in ${quoted(signing.path)} -pubout -out ${quoted(verifying.path)}`,
      path: verifying.field,
    },
  ];
}

function shown(path: string): string {
  const short = relative(process.cwd(), path);
  return short === '' || short.startsWith('..') ? path : short;
}

/** For a shell. */
function quoted(path: string): string {
  const text = shown(path);
  return /^[A-Za-z0-9_./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
