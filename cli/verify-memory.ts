/** The memory that `verify` holds the log against, and what is said where it holds nothing of it. */
import { resolve } from 'node:path';
import type { Report } from '../consumer/verify/report.js';
import { SealstreamError } from '../ledger/error.js';
import { openMemory } from '../store/folder.js';
import type { Memory } from '../store/memory.js';
import type { Subject } from './auditor.js';
import { tell } from './output.js';
import { isAbsent } from './session.js';

const MOST_NAMED = 10;

export class RememberedLogs {
  readonly memory: Memory;
  readonly #path: string;
  /** `topic/partition` of what it held before anything was accepted. */
  readonly #held: ReadonlySet<string>;
  readonly #ledgers: readonly string[];
  /** It was said already that there is nothing in it. */
  readonly #isNew: boolean;

  private constructor(
    memory: Memory,
    path: string,
    held: ReadonlySet<string>,
    ledgers: readonly string[],
    isNew: boolean,
  ) {
    this.memory = memory;
    this.#path = path;
    this.#held = held;
    this.#ledgers = ledgers;
    this.#isNew = isNew;
  }

  /**
   * The sealer's own memory is held against the log too, but only sealers and `adopt` write to it.
   * Where there is none yet, or nothing in it, that is said: the path may be mistyped, or what was
   * there may have been taken away.
   */
  static async open(path: string, subject: Subject): Promise<RememberedLogs> {
    const { memory, isNew } =
      resolve(path) === subject.sealerMemory
        ? { memory: readOnly(await openMemory(path, { readOnly: true })), isNew: false }
        : await openOwn(path);
    try {
      const slots = await memory.list(subject.ledger);
      const held = slots.map(({ key }) => `${key.topic}/${key.partition}`);
      const ledgers = (await memory.ledgers?.()) ?? [];
      if (!isNew && slots.length === 0 && ledgers.length === 0) {
        tell(
          `--memory ${path}: is there and empty; there is nothing to hold the log against: if it held something before, put it back`,
        );
      }
      return new RememberedLogs(
        memory,
        path,
        new Set(held),
        ledgers,
        isNew || ledgers.length === 0,
      );
    } catch (error) {
      await memory.close();
      throw error;
    }
  }

  /** Says which of the logs that were verified it held nothing of. */
  tellUnheld(report: Report): void {
    const own = report.configuration?.log ?? null;
    const logs = own === null ? report.partitions : [own, ...report.partitions];
    const names = logs.map(({ topic, partition }) => `${topic}/${partition}`);
    const unheld = names.filter((name) => !this.#held.has(name));
    const isAny = unheld.length < names.length;
    if (unheld.length === 0 || this.#isNew) return;
    const more = unheld.length > MOST_NAMED ? ` and ${unheld.length - MOST_NAMED} more` : '';
    const named = `${unheld.slice(0, MOST_NAMED).join(', ')}${more}`;
    const known = isAny ? '' : ` of ledger ${report.ledger}; it knows ${this.#knows()}`;
    tell(
      `--memory ${this.#path}: holds nothing of ${named}${known}; nothing was held against ` +
        `${unheld.length === 1 ? 'it' : 'them'}. Where this is not the first time, the name or the ` +
        "memory's key was changed, or the memory is another one",
    );
  }

  #knows(): string {
    const others = [...this.#held].slice(0, MOST_NAMED).join(', ');
    return others === '' ? `ledger ${this.#ledgers.slice(0, MOST_NAMED).join(', ')}` : others;
  }
}

async function openOwn(path: string): Promise<{ memory: Memory; isNew: boolean }> {
  const isNew = isAbsent(path);
  try {
    return { memory: await openMemory(path), isNew: false };
  } catch (error) {
    if (!(error instanceof SealstreamError && error.code === 'memory-missing')) throw error;
    const what = isNew ? 'new' : 'the folder is there and holds no memory: one is made in it';
    tell(`--memory ${path}: ${what}; there is nothing yet to hold the log against`);
    return { memory: await openMemory(path, { create: true }), isNew: true };
  }
}

function readOnly(memory: Memory): Memory {
  return {
    read: (key) => memory.read(key),
    compareAndSet: async () => null,
    list: (ledger) => memory.list(ledger),
    ledgers: async () => (await memory.ledgers?.()) ?? [],
    close: () => memory.close(),
  };
}
