import { statSync } from 'node:fs';
import { mkdir, open as openFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { asSealstreamError, SealstreamError } from '../ledger/error.js';
import {
  checkOptions,
  flag,
  type Kinds,
  members,
  optional,
  taking,
  text,
  wholeNumber,
} from '../ledger/given.js';
import { checkLedgerName, checkTopicName } from '../ledger/origin.js';
import { equalBytes } from '../ledger/text.js';
import { DATA_FILE, type Database, DatabaseAtPath } from './database.js';
import { checkDatabaseFile } from './database-file.js';
import { recordKind } from './given.js';
import type { Memory, MemoryKey, MemoryRecord, MemorySlot } from './memory.js';
import { decodeMemoryRecord, encodeMemoryRecord } from './record.js';

/**
 * The memory in a folder of this host: an LMDB environment that several processes share. Its key is
 * `<ledger>/<topic>/<partition>`; neither a topic nor a partition holds a slash.
 */
export interface FolderOptions {
  /** Nothing is written, compareAndSet throws. Default false. */
  readonly readOnly?: boolean;
  /** Make the folder where it is missing. Default false. */
  readonly create?: boolean;
}

const OPTIONS: Kinds<FolderOptions> = { readOnly: optional(flag), create: optional(flag) };

const keyKind = members<MemoryKey>({
  ledger: text,
  topic: text,
  partition: wholeNumber(0, 0x7fffffff),
});

/**
 * Throws `memory-missing` where there is no memory and `create` is not set, `unreadable` on other
 * bytes. While it is open it is made anew by nobody: its methods throw `busy` where it is not at
 * `path` any more, and go on with another memory that stands there.
 */
export async function openMemory(path: string, given: FolderOptions = {}): Promise<Memory> {
  const options = checkOptions(given, OPTIONS, 'openMemory');
  const folder = resolve(text(path, 'openMemory: the path'));
  const readOnly = options.readOnly ?? false;
  // Another process may be making it just now: an empty file is none yet.
  const size = sizeOf(join(folder, DATA_FILE), path);
  if (size === 0) {
    if (options.create !== true || readOnly) {
      throw new SealstreamError(
        'memory-missing',
        `memory: there is none at ${path}; restore it, or start anew with apply or adopt`,
      );
    }
    await makeFolder(folder, path);
  } else {
    checkFile(join(folder, DATA_FILE), path);
  }
  const memory = new FolderMemory(new DatabaseAtPath(folder, path, readOnly), path, readOnly);
  if (!readOnly) await flushFolder(folder);
  return memory;
}

function sizeOf(file: string, path: string): number {
  try {
    return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  } catch (error) {
    throw asSealstreamError(error, 'configuration', `memory: cannot use ${path} as a folder`);
  }
}

function checkFile(file: string, path: string): void {
  try {
    checkDatabaseFile(file);
  } catch (error) {
    throw asSealstreamError(error, 'unreadable', `memory: cannot read ${path}`);
  }
}

async function makeFolder(folder: string, path: string): Promise<void> {
  try {
    const first = await mkdir(folder, { recursive: true, mode: 0o700 });
    if (first === undefined) return;
    for (let parent = dirname(folder); ; parent = dirname(parent)) {
      await flushFolder(parent);
      if (parent === dirname(first)) return;
    }
  } catch (error) {
    throw asSealstreamError(error, 'configuration', `memory: cannot make the folder ${path}`);
  }
}

/** Makes names in a folder survive a power cut. */
async function flushFolder(folder: string): Promise<void> {
  const handle = await openFile(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

interface Write {
  readonly name: Buffer;
  readonly expected: Uint8Array | null;
  readonly bytes: Buffer;
  readonly resolve: (written: boolean) => void;
  readonly reject: (error: unknown) => void;
}

class FolderMemory implements Memory {
  private readonly database: DatabaseAtPath;
  private readonly path: string;
  private readonly readOnly: boolean;
  private readonly writes: Write[] = [];
  private closed = false;

  constructor(database: DatabaseAtPath, path: string, readOnly: boolean) {
    this.database = database;
    this.path = path;
    this.readOnly = readOnly;
  }

  async read(key: MemoryKey): Promise<MemorySlot | null> {
    this.checkOpen();
    const bytes = this.get(keyBytes(key));
    return bytes === undefined ? null : slot(bytes, key);
  }

  async compareAndSet(
    key: MemoryKey,
    expected: Uint8Array | null,
    record: MemoryRecord,
  ): Promise<MemorySlot | null> {
    this.checkOpen();
    if (this.readOnly) {
      throw new SealstreamError('usage', `memory: ${this.path} is opened only for reading`);
    }
    const name = keyBytes(key);
    const bytes = encoded(record);
    const written = await new Promise<boolean>((resolve, reject) => {
      this.writes.push({ name, expected, bytes, resolve, reject });
      // One commit, which waits for the disk, for all that are asked for in the same turn.
      if (this.writes.length === 1) setImmediate(() => void this.writeAll());
    });
    return written ? { record, version: new Uint8Array(bytes) } : null;
  }

  async list(ledger: string): Promise<readonly { key: MemoryKey; slot: MemorySlot }[]> {
    this.checkOpen();
    checkLedgerName(text(ledger, 'memory: the ledger'));
    const start = Buffer.from(`${ledger}/`);
    const end = Buffer.from(`${ledger}0`); // '0' follows '/'
    return this.entries({ start, end })
      .map(({ name, bytes }) => ({ key: parseKey(name, this.path), bytes }))
      .filter(({ key }) => key.ledger === ledger)
      .sort((a, b) => compare(a.key, b.key))
      .map(({ key, bytes }) => ({ key, slot: slot(bytes, key) }));
  }

  async ledgers(): Promise<readonly string[]> {
    this.checkOpen();
    const names = this.entries({}).map(({ name }) => parseKey(name, this.path).ledger);
    return [...new Set(names)].sort();
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    await this.writeAll();
    await this.database.close();
  }

  private entries(range: { start?: Buffer; end?: Buffer }): { name: string; bytes: Uint8Array }[] {
    return this.guard(() => {
      const database = this.database.current();
      database.resetReadTxn();
      return [...database.getRange(range)].map(({ key, value }) => ({
        name: Buffer.from(key).toString(),
        bytes: new Uint8Array(value),
      }));
    });
  }

  private async writeAll(): Promise<void> {
    const writes = this.writes.splice(0);
    if (writes.length === 0) return;
    try {
      const database = this.database.current();
      // LMDB lets one writer in at a time, over all processes: nobody writes between get and put.
      const done = this.guard(() =>
        database.transactionSync(() => writes.map((write) => writeOne(database, write))),
      );
      await database.flushed;
      // What was written to a file that is no more at the path was not written.
      this.database.confirm(database);
      for (const [index, { resolve }] of writes.entries()) resolve(done[index] === true);
    } catch (error) {
      for (const { reject } of writes) reject(error);
    }
  }

  private get(name: Buffer): Uint8Array | undefined {
    return this.guard(() => {
      const database = this.database.current();
      // Without this a read may answer from a snapshot older than another process's commit.
      database.resetReadTxn();
      const value = database.get(name);
      return value === undefined ? undefined : new Uint8Array(value);
    });
  }

  private guard<T>(action: () => T): T {
    try {
      return action();
    } catch (error) {
      throw asSealstreamError(error, 'unreadable', `memory: ${this.path}`);
    }
  }

  private checkOpen(): void {
    if (this.closed) throw new SealstreamError('closed', `memory: ${this.path} is closed`);
  }
}

/** What could not be read again is not written. */
const encoded = taking('memory: the record', [recordKind], (record) => {
  const bytes = Buffer.from(encodeMemoryRecord(record));
  decodeMemoryRecord(bytes);
  return bytes;
});

function writeOne(database: Database, { name, expected, bytes }: Write): boolean {
  const held = database.get(name);
  const same = held === undefined ? expected === null : sameBytes(held, expected);
  if (same) database.putSync(name, bytes);
  return same;
}

function sameBytes(held: Uint8Array, expected: Uint8Array | null): boolean {
  return expected !== null && equalBytes(held, expected);
}

function slot(bytes: Uint8Array, key: MemoryKey): MemorySlot {
  try {
    return { record: decodeMemoryRecord(bytes), version: bytes };
  } catch (error) {
    if (!(error instanceof SealstreamError)) throw error;
    const place = `${key.ledger}/${key.topic}/${key.partition}`;
    throw new SealstreamError(error.code, `${place}: ${error.message}`, { cause: error });
  }
}

function keyBytes(key: MemoryKey): Buffer {
  const { ledger, topic, partition } = keyKind(key, 'memory: the key');
  checkLedgerName(ledger);
  checkTopicName(topic);
  return Buffer.from(`${ledger}/${topic}/${partition}`);
}

function parseKey(name: string, path: string): MemoryKey {
  const parts = /^(.+)\/([^/]+)\/(0|[1-9][0-9]{0,9})$/.exec(name);
  const [, ledger, topic, partition] = parts ?? [];
  if (ledger === undefined || topic === undefined || partition === undefined) {
    throw new SealstreamError('malformed', `memory: ${path} holds a key that is none of a slot`);
  }
  return { ledger, topic, partition: Number(partition) };
}

function compare(a: MemoryKey, b: MemoryKey): number {
  if (a.topic !== b.topic) return a.topic < b.topic ? -1 : 1;
  return a.partition - b.partition;
}
