/** What `doctor` looks at on this machine: modes of files, keys, the schema's history. */
import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { SealstreamError } from '../ledger/error.js';
import { encodeBase64 } from '../ledger/text.js';
import type { FileState, HostState, KeyState } from '../policy/doctor/examined.js';
import type { Configuration } from '../policy/file/configuration.js';
import { incompatibilities } from '../schemas/compatibility.js';
import { SCHEMA_VERSIONS } from '../schemas/generated.js';
import { anyKey } from './key-mode.js';
import { loadPublicKey, loadSigningKey } from './session.js';

const PERMISSIONS = 0o7777;

async function lookAtFile(path: string, field: readonly string[]): Promise<FileState> {
  try {
    const { mode, uid, gid } = await stat(path);
    return { path, field, stat: { mode: mode & PERMISSIONS, user: uid, group: gid } };
  } catch (error) {
    if (error instanceof Error && 'code' in error) return { path, field, stat: null };
    throw error;
  }
}

async function lookAtKey(
  path: string | undefined,
  field: readonly string[],
  load: (path: string) => Promise<Uint8Array>,
): Promise<KeyState | null> {
  if (path === undefined) return null;
  try {
    return { path, field, publicKey: encodeBase64(await load(path)), error: null };
  } catch (error) {
    if (!(error instanceof SealstreamError && error.code === 'key-unusable')) throw error;
    return { path, field, publicKey: null, error: error.message };
  }
}

/** Files that hold a secret, and the fields that name them. */
function secretFiles({ seal, kafka }: Configuration): [string, readonly string[]][] {
  const files: [string, readonly string[]][] = [];
  if (seal !== undefined) files.push([seal.key, ['seal', 'key']]);
  const tls = typeof kafka?.tls === 'object' ? kafka.tls : undefined;
  if (tls?.key !== undefined) files.push([tls.key, ['kafka', 'tls', 'key']]);
  for (const name of ['password', 'token'] as const) {
    const sasl: Readonly<Record<string, unknown>> = { ...kafka?.sasl };
    const reference = sasl[name];
    if (typeof reference === 'string' && reference.startsWith('file:')) {
      files.push([reference.slice('file:'.length), ['kafka', 'sasl', name]]);
    }
  }
  return files;
}

export async function lookAtHost(configuration: Configuration): Promise<HostState> {
  const { seal, verify } = configuration;
  const folders = new Map<string, readonly string[]>();
  if (verify?.publicKey !== undefined) {
    folders.set(dirname(verify.publicKey), ['verify', 'publicKey']);
  }
  if (seal !== undefined) folders.set(dirname(seal.key), ['seal', 'key']);
  const all = (files: Iterable<[string, readonly string[]]>): Promise<FileState[]> =>
    Promise.all([...files].map(([path, field]) => lookAtFile(path, field)));
  return {
    user: process.getuid?.() ?? null,
    secrets: await all(secretFiles(configuration)),
    keyFolders: await all(folders),
    memory: seal === undefined ? null : await lookAtFile(seal.memory, ['seal', 'memory']),
    signing: await lookAtKey(seal?.key, ['seal', 'key'], async (path) => {
      return (await loadSigningKey(path, anyKey)).publicKey;
    }),
    verifying: await lookAtKey(verify?.publicKey, ['verify', 'publicKey'], (path) =>
      loadPublicKey(path, 'verify.publicKey'),
    ),
    schemaProblems: incompatibilities(SCHEMA_VERSIONS),
  };
}
