import { createHash } from 'node:crypto';
import { asSealstreamError, SealstreamError } from '../../ledger/error.js';
import { checkOptions, type Kinds, optional, text, wholeNumber } from '../../ledger/given.js';
import type { AuditEventInput } from '../../schemas/generated.js';
import { fromJson } from '../../schemas/json.js';
import { type Commit, gitLog } from './git-log.js';
import { inputError, type Sourced, sourced } from './source.js';

export interface GitSourceOptions {
  /** Where history is read from. Default HEAD. */
  readonly revision?: string;
  /** Files listed per commit; the attribute `files` counts all. Default 500. */
  readonly maxFiles?: number;
}

const OPTIONS: Kinds<GitSourceOptions> = {
  revision: optional(text),
  maxFiles: optional(wholeNumber(0)),
};

const DEFAULT_MAX_FILES = 500;
const MAX_MESSAGE = 16 * 1024;

/**
 * A repository's history, one event per commit, parents before children: who (author as the actor),
 * when (commit time), what changed (each file as a resource, with its blob before and after; of a
 * merge what it brought to its first parent). The same commit has the same event_id everywhere.
 */
export async function* gitSource(
  directory: string,
  given: GitSourceOptions = {},
): AsyncGenerator<Sourced> {
  const options = checkOptions(given, OPTIONS, 'gitSource');
  text(directory, 'gitSource: the directory');
  const maxFiles = options.maxFiles ?? DEFAULT_MAX_FILES;
  try {
    for await (const commit of gitLog(directory, options.revision ?? 'HEAD', maxFiles)) {
      yield sourced(`${directory}@${commit.id}`, () => commitEvent(commit));
    }
  } catch (error) {
    if (error instanceof SealstreamError) yield inputError(directory, error.message, error);
    else {
      const place = directory;
      yield { error: asSealstreamError(error, 'input-invalid', `${place}: cannot run git`), place };
    }
  }
}

function commitEvent(commit: Commit): AuditEventInput {
  const { author, committer } = commit;
  return fromJson({
    event_id: commitUuid(commit.id),
    occurred_at: micros(committer.seconds),
    action: commit.parents.length > 1 ? 'git.merge' : 'git.commit',
    category: 'ENTITY_CHANGE',
    operation: commit.parents.length === 0 ? 'CREATE' : 'UPDATE',
    outcome: { status: 'SUCCESS' },
    actor: { type: 'USER', id: author.email || author.name, display: author.name },
    resources: [
      {
        type: 'git.commit',
        id: commit.id,
        parent: commit.parents[0] ?? null,
        version: commit.tree,
      },
      ...commit.files.map(({ path, after }) => ({ type: 'git.file', id: path, version: after })),
    ],
    changes: commit.files.map(({ before, after }, at) => ({
      resource: at + 1,
      path: '',
      before: before === null ? null : JSON.stringify(before),
      after: after === null ? null : JSON.stringify(after),
    })),
    attributes: {
      ...boundedMessage(commit.message),
      parents: commit.parents.join(' '),
      files: String(commit.fileCount),
      files_listed: String(commit.files.length),
      authored_at: author.seconds,
      author_email: author.email,
      committer_name: committer.name,
      committer_email: committer.email,
    },
  });
}

/** A commit id names its whole message: of a very long one the beginning is enough to find it. */
function boundedMessage(message: string): Readonly<Record<string, string>> {
  const bytes = Buffer.from(message);
  if (bytes.length <= MAX_MESSAGE) return { message };
  const start = bytes
    .subarray(0, MAX_MESSAGE)
    .toString('utf8')
    .replace(/\ufffd+$/, '');
  return { message: start, message_bytes: String(bytes.length) };
}

/** git prints seconds since 1970, whatever a commit object holds. */
function micros(seconds: string): string {
  if (!/^-?\d{1,19}$/.test(seconds)) {
    throw new SealstreamError('event-invalid', 'the commit has no readable time');
  }
  return (BigInt(seconds) * 1_000_000n).toString();
}

/** UUID version 8 (RFC 9562) made of the commit id, so that importing it twice shows. */
function commitUuid(id: string): string {
  const bytes = createHash('sha256').update(`sealstream git commit\n${id}\n`).digest();
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = bytes.toString('hex', 0, 16);
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}
