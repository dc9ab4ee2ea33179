import { isUtf8 } from 'node:buffer';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { SealstreamError } from '../../ledger/error.js';

/** One file that a commit changed, against its first parent. Ids are blob ids; null: no such file. */
interface FileChange {
  readonly path: string;
  readonly status: string;
  readonly before: string | null;
  readonly after: string | null;
}

export interface Commit {
  readonly id: string;
  readonly tree: string;
  readonly parents: readonly string[];
  readonly author: { readonly name: string; readonly email: string; readonly seconds: string };
  readonly committer: { readonly name: string; readonly email: string; readonly seconds: string };
  readonly message: string;
  /** At most `maxFiles`; `fileCount` counts all. */
  readonly files: readonly FileChange[];
  readonly fileCount: number;
}

// %x00 ends every field: none of them can hold a NUL. The number of fields is HEADER_FIELDS.
const FORMAT = '%H%x00%T%x00%P%x00%an%x00%ae%x00%at%x00%cn%x00%ce%x00%ct%x00%B%x00';
const HEADER_FIELDS = 10;
const RAW_ENTRY = /^\n?:\d{6} \d{6} ([0-9a-f]{40,64}) ([0-9a-f]{40,64}) ([A-Z])\d*$/;
const OBJECT_ID = /^\n?([0-9a-f]{40}|[0-9a-f]{64})$/;
const MAX_TOKEN = 4 * 1024 * 1024;
const MAX_ERROR_TEXT = 2000;

/**
 * What runs for a repository that may not be trusted: no pager, no textconv, no external diff, no
 * signature program, no replacement objects, no fetch of missing ones.
 */
const ARGUMENTS = [
  '--no-pager',
  '--no-replace-objects',
  '-c',
  'log.showRoot=true',
  'log',
  '--reverse',
  '--topo-order',
  '-z',
  '--raw',
  '--no-abbrev',
  '--no-renames',
  '--diff-merges=first-parent',
  '--no-ext-diff',
  '--no-textconv',
  '--no-show-signature',
  '--no-notes',
  '--no-color',
  '--encoding=UTF-8',
  `--format=${FORMAT}`,
];

/** The commits that `revision` reaches, parents before children. Throws `input-invalid`. */
export async function* gitLog(
  directory: string,
  revision: string,
  maxFiles: number,
): AsyncGenerator<Commit> {
  const git = spawn('git', ['-C', directory, ...ARGUMENTS, '--end-of-options', revision, '--'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: environment(),
  });
  let complaint = '';
  git.stderr.setEncoding('utf8').on('data', (text: string) => {
    if (complaint.length < MAX_ERROR_TEXT) complaint += text;
  });
  const ended = once(git, 'close');
  // Awaited below on every path; a failed spawn must not be unhandled until then.
  ended.catch(() => undefined);
  try {
    yield* commits(git.stdout, maxFiles);
    const [code] = (await ended) as [number | null];
    if (code !== 0) throw new SealstreamError('input-invalid', `git log: ${complaint.trim()}`);
  } finally {
    git.kill();
  }
}

/** GIT_DIR and its like would let the caller's own repository answer. */
function environment(): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith('GIT_'));
  return {
    ...Object.fromEntries(own),
    LC_ALL: 'C',
    GIT_NO_LAZY_FETCH: '1',
    GIT_OPTIONAL_LOCKS: '0',
  };
}

async function* commits(
  output: AsyncIterable<Uint8Array>,
  maxFiles: number,
): AsyncGenerator<Commit> {
  let header: string[] = [];
  let files: FileChange[] = [];
  let fileCount = 0;
  let entry: RegExpExecArray | null = null;
  for await (const token of tokens(output)) {
    if (entry !== null) {
      fileCount++;
      if (files.length < maxFiles) files.push(fileChange(entry, pathText(token)));
      entry = null;
      continue;
    }
    const text = token.toString('utf8');
    if (header.length === HEADER_FIELDS) {
      if (text === '' || text === '\n') continue;
      entry = RAW_ENTRY.exec(text);
      if (entry !== null) continue;
      yield commitOf(header, files, fileCount);
      header = [];
      files = [];
      fileCount = 0;
    }
    header.push(text);
  }
  if (header.length === HEADER_FIELDS) yield commitOf(header, files, fileCount);
}

function commitOf(header: readonly string[], files: FileChange[], fileCount: number): Commit {
  const [first, tree, parents, name, email, at, otherName, otherEmail, otherAt, message] =
    header as [string, string, string, string, string, string, string, string, string, string];
  const id = OBJECT_ID.exec(first)?.[1];
  if (id === undefined) throw new SealstreamError('input-invalid', 'git log printed no commit id');
  return {
    id,
    tree,
    parents: parents === '' ? [] : parents.split(' '),
    author: { name, email, seconds: at },
    committer: { name: otherName, email: otherEmail, seconds: otherAt },
    message,
    files,
    fileCount,
  };
}

function fileChange(entry: RegExpExecArray, path: string): FileChange {
  const [, before = '', after = '', status = ''] = entry;
  const orNull = (id: string): string | null => (/^0+$/.test(id) ? null : id);
  return { path, status, before: orNull(before), after: orNull(after) };
}

/** A path may be any bytes: what is no UTF-8 is quoted with octal escapes, as git prints it. */
function pathText(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString('utf8');
  const escaped = Array.from(bytes, (byte) => {
    const plain = byte >= 0x20 && byte < 0x7f && byte !== 0x22 && byte !== 0x5c;
    return plain ? String.fromCharCode(byte) : `\\${byte.toString(8).padStart(3, '0')}`;
  });
  return `"${escaped.join('')}"`;
}

async function* tokens(output: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  let parts: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of output) {
    let start = 0;
    for (;;) {
      const found = chunk.indexOf(0, start);
      const part = chunk.subarray(start, found < 0 ? chunk.length : found);
      length += part.length;
      if (length > MAX_TOKEN) {
        throw new SealstreamError('input-invalid', `git log: a field of over ${MAX_TOKEN} bytes`);
      }
      parts.push(part);
      if (found < 0) break;
      yield Buffer.concat(parts);
      parts = [];
      length = 0;
      start = found + 1;
    }
  }
}
