/**
 * Checkpoints (FORMAT §5): what is signed about a log at one moment. A signed note whose text is
 *
 *     <origin>
 *     <size>
 *     <base64 root>
 *     sealstream/v1
 *     first <offset>
 *     next <offset>
 *     partitions <count>
 *     chain <base64 c(size−1)>
 *     time <YYYY-MM-DDTHH:MM:SS.sssZ>
 *
 * and then any number of other `name value` lines; those of FORMAT §5a in the order that it gives. Where FORMAT leaves room, this is chosen: a name
 * is printable ASCII without space, a value is not empty and has no space at either end, and what
 * contradicts itself (more records than offsets, a root of no records that is not the empty root, a
 * partition beyond the count) is malformed.
 */
import { malformed, SealstreamError } from './error.js';
import { asHash, EMPTY_ROOT, type Hash } from './hash.js';
import { type PublicKey, type SigningKey, verifySignature } from './keys.js';
import {
  MAX_NOTE_LENGTH,
  type Note,
  parseNote,
  signNote,
  type UncheckedNote,
  uncheckedNote,
} from './note.js';
import { genesis, parseOrigin } from './origin.js';
import {
  decodeBase64,
  decodeDecimal,
  decodeSmallDecimal,
  encodeBase64,
  encodeDecimal,
  encodeSmallDecimal,
  equalBytes,
  quote,
} from './text.js';
import { formatTime, parseTime } from './time.js';

export const CHECKPOINT_VERSION = 'sealstream/v1';

export interface Checkpoint {
  readonly origin: string;
  /** Number of records. */
  readonly size: bigint;
  readonly root: Hash;
  /** The log start offset when this log was started. */
  readonly first: bigint;
  /** First offset not covered. */
  readonly next: bigint;
  /** Partitions of the topic when sealed, at least 1. */
  readonly partitions: number;
  /** c(size−1), the genesis value where size is 0. */
  readonly chain: Hash;
  /** Milliseconds since 1970, UTC. */
  readonly time: number;
  /** Lines after the known ones, in their order. */
  readonly extensions: readonly (readonly [name: string, value: string])[];
}

const KNOWN_NAMES = ['first', 'next', 'partitions', 'chain', 'time'] as const;
const HEAD_LINES = 4;
/** FORMAT §5a: whichever of these there are stand in this order. */
const ORDERED_NAMES = ['config', 'retired', 'clock-corrected', 'next-key', 'previous-key'];
const CLOCK_CORRECTED = 'clock-corrected';
const EXTENSION_NAME = /^[!-~]+$/;
const EXTENSION_VALUE = /^[^ \n](?:[^\n]*[^ \n])?$/;

/** The text to be signed. Throws `malformed` where parseCheckpoint would not give back the same. */
export function formatCheckpoint(checkpoint: Checkpoint): string {
  checkConsistent(checkpoint);
  const { extensions } = checkpoint;
  checkExtensions(extensions);
  const lines = [
    checkpoint.origin,
    encodeDecimal(checkpoint.size),
    encodeBase64(asHash(checkpoint.root)),
    CHECKPOINT_VERSION,
    `first ${encodeDecimal(checkpoint.first)}`,
    `next ${encodeDecimal(checkpoint.next)}`,
    `partitions ${encodeSmallDecimal(checkpoint.partitions)}`,
    `chain ${encodeBase64(asHash(checkpoint.chain))}`,
    `time ${formatTime(checkpoint.time)}`,
    ...extensions.map(([name, value]) => `${name} ${value}`),
  ];
  return `${lines.join('\n')}\n`;
}

/** Throws `malformed`, or `unknown-version` where only line 4 is another one. */
export function parseCheckpoint(text: string): Checkpoint {
  if (text.length > MAX_NOTE_LENGTH) {
    throw malformed(`the checkpoint is longer than ${MAX_NOTE_LENGTH} bytes`);
  }
  const lines = text.split('\n');
  if (lines.pop() !== '') throw malformed('the checkpoint does not end in a newline');
  if (lines.length < HEAD_LINES) throw malformed('the checkpoint has fewer than four lines');
  const [origin, size, root, version] = lines as [string, string, string, string];
  const head = { size: decodeDecimal(size), root: asHash(decodeBase64(root)) };
  parseOrigin(origin);
  if (version !== CHECKPOINT_VERSION) {
    if (version === '') throw malformed('line 4 of the checkpoint is empty');
    throw new SealstreamError(
      'unknown-version',
      `${origin}: the checkpoint's version is ${quote(version)}; use a reader that knows it`,
    );
  }
  let at = HEAD_LINES;
  const first = lineValue(lines[at++], 'first ');
  const next = lineValue(lines[at++], 'next ');
  const partitions = lineValue(lines[at++], 'partitions ');
  const chain = lineValue(lines[at++], 'chain ');
  const time = lineValue(lines[at++], 'time ');
  const checkpoint: Checkpoint = {
    origin,
    size: head.size,
    root: head.root,
    first: decodeDecimal(first),
    next: decodeDecimal(next),
    partitions: decodeSmallDecimal(partitions),
    chain: asHash(decodeBase64(chain)),
    time: parseTime(time),
    extensions: lines.slice(at).map(parseExtension),
  };
  checkExtensions(checkpoint.extensions);
  checkConsistent(checkpoint);
  return checkpoint;
}

/** The signed note. Throws `malformed` on a checkpoint that no reader would take. */
export function signCheckpoint(checkpoint: Checkpoint, key: SigningKey): string {
  return signNote(formatCheckpoint(checkpoint), checkpoint.origin, key);
}

/**
 * The checkpoint of `origin` that `note` holds, once its signature by `key` holds. Throws
 * `malformed`, `unsigned` (not by this key, or another log's), `signature-invalid`, or
 * `unknown-version`, which is thrown only for a note that is signed: it means "could not check",
 * never "intact".
 */
export function openCheckpoint(
  note: Uint8Array | string,
  origin: string,
  key: PublicKey,
): Checkpoint {
  const unchecked = uncheckedCheckpoint(parseNote(note), origin, key);
  const { message, signatures } = unchecked;
  return unchecked.open(signatures.every((one) => verifySignature(key, message, one)));
}

/** A checkpoint whose signatures are still to be checked, as those of an UncheckedNote. */
export type UncheckedCheckpoint = Omit<UncheckedNote, 'note' | 'open'> & {
  /** What openCheckpoint answers or throws, once the signatures were checked. */
  open(valid: boolean): Checkpoint;
};

/** The first half of openCheckpoint; throws what shows without a look at the signatures. */
export function uncheckedCheckpoint(
  note: Note,
  origin: string,
  key: PublicKey,
): UncheckedCheckpoint {
  parseOrigin(origin);
  const { message, signatures, open } = uncheckedNote(note, origin, key);
  return { message, signatures, open: (valid) => checkpointOf(open(valid), origin) };
}

function checkpointOf({ text }: Note, origin: string): Checkpoint {
  // Before the version is looked at: a note of another log says nothing about this one.
  if (!text.startsWith(`${origin}\n`)) {
    throw malformed(`the note is signed as ${quote(origin)}, but its first line is another`);
  }
  return parseCheckpoint(text);
}

/** The origin that line 1 of a note claims; nothing of the note is verified. Throws `malformed`. */
export function claimedOrigin(note: Uint8Array | string): string {
  return originOfNote(parseNote(note));
}

/** The same of a note that is parsed. */
export function originOfNote({ text }: Note): string {
  const origin = text.slice(0, text.indexOf('\n'));
  parseOrigin(origin);
  return origin;
}

/**
 * The wrong time that the line `clock-corrected` names: that of the checkpoint before, in milliseconds
 * since 1970. null: there is no such line, so `time` has not gone back.
 */
export function clockCorrected({ extensions }: Pick<Checkpoint, 'extensions'>): number | null {
  const line = extensions.find(([name]) => name === CLOCK_CORRECTED);
  return line === undefined ? null : parseTime(line[1]);
}

/** The line for `extensions`; `time`: of the checkpoint before. */
export function formatClockCorrected(time: number): readonly [name: string, value: string] {
  return [CLOCK_CORRECTED, formatTime(time)];
}

/** `start`: the line's name and a space. */
function lineValue(line: string | undefined, start: string): string {
  if (line === undefined || !line.startsWith(start)) {
    throw malformed(`the checkpoint has ${quote(line ?? '')} where "${start}…" must stand`);
  }
  return line.slice(start.length);
}

function parseExtension(line: string): [string, string] {
  const space = line.indexOf(' ');
  if (space < 0) throw malformed(`not a line "name value": ${quote(line)}`);
  return [line.slice(0, space), line.slice(space + 1)];
}

function checkExtensions(extensions: Checkpoint['extensions']): void {
  if (extensions.length === 0) return;
  const names = new Set<string>(KNOWN_NAMES);
  for (const [name, value] of extensions) {
    if (!EXTENSION_NAME.test(name) || !EXTENSION_VALUE.test(value)) {
      throw malformed(`not a line "name value": ${quote(`${name} ${value}`)}`);
    }
    if (names.has(name)) throw malformed(`the checkpoint names ${quote(name)} twice`);
    names.add(name);
    if (name === CLOCK_CORRECTED) parseTime(value);
  }
  const ranks = extensions.map(([name]) => ORDERED_NAMES.indexOf(name)).filter((rank) => rank >= 0);
  if (ranks.some((rank, index) => rank < (ranks[index - 1] ?? 0))) {
    throw malformed(`lines that stand in this order only: ${ORDERED_NAMES.join(', ')}`);
  }
}

/** What can be seen to be wrong from the checkpoint alone. */
function checkConsistent(checkpoint: Checkpoint): void {
  const { origin, size, root, first, next, partitions, chain } = checkpoint;
  const { partition } = parseOrigin(origin);
  if (next < first) throw malformed(`${origin}: next ${next} is below first ${first}`);
  if (size > next - first) {
    throw malformed(`${origin}: ${size} records do not fit the offsets ${first} to ${next}`);
  }
  if (partition >= partitions) {
    throw malformed(`${origin}: partition ${partition} is beyond the ${partitions} of its topic`);
  }
  if (size === 0n && !(equalBytes(root, EMPTY_ROOT) && equalBytes(chain, genesis(origin)))) {
    throw malformed(`${origin}: size is 0, but root or chain is not that of an empty log`);
  }
  if (size === 1n && !equalBytes(root, chain)) {
    throw malformed(`${origin}: size is 1, but the root is not the one record's chain value`);
  }
}
