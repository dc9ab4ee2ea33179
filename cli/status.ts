import Table from 'cli-table3';
import type { Command } from 'commander';
import pc from 'picocolors';
import { SealstreamError } from '../ledger/error.js';
import { type LogStatus, type SealedAt, sealStatus } from '../sealer/status.js';
import { openMemory } from '../store/folder.js';
import type { Memory } from '../store/memory.js';
import { EXIT } from './exit.js';
import { printLine, tell, toJson } from './output.js';
import { type CommonOptions, selectTopics, verifyingKey, withSession } from './session.js';

interface StatusOptions extends CommonOptions {
  readonly topic?: string;
}

/** null: there is none, which is the state of every log then. */
async function openExisting(path: string): Promise<Memory | null> {
  try {
    return await openMemory(path, { readOnly: true });
  } catch (error) {
    if (error instanceof SealstreamError && error.code === 'memory-missing') return null;
    throw error;
  }
}

function isoTime(sealed: SealedAt | null) {
  return sealed && { ...sealed, time: new Date(sealed.time).toISOString() };
}

function jsonOf(status: LogStatus) {
  return {
    ...status,
    head: isoTime(status.head),
    memory: status.memory && { ...status.memory, sealed: isoTime(status.memory.sealed) },
    error: status.error?.message ?? null,
  };
}

function memoryText({ memory }: LogStatus): string {
  if (memory === null) return 'nothing';
  if (memory.sealed === null) return 'started';
  return `${memory.sealed.size}${memory.published ? '' : ' (not published)'}`;
}

function render(all: readonly LogStatus[]): string {
  const table = new Table({
    head: ['topic', 'partition', 'log', 'sealed', 'lag', 'head age', 'memory', 'state'],
    style: { head: [], border: [], compact: true },
    colAligns: ['left', 'right', 'right', 'right', 'right', 'right', 'right', 'left'],
  });
  for (const status of all) {
    const { topic, partition, log, head, lagRecords, headAgeSeconds, refusal, error } = status;
    table.push([
      topic,
      String(partition),
      log === null ? '?' : `${log.start} to ${log.end}`,
      head === null ? 'nothing' : String(head.size),
      lagRecords === null ? '?' : String(lagRecords),
      headAgeSeconds === null ? '' : `${Math.round(headAgeSeconds)} s`,
      memoryText(status),
      refusal !== null ? pc.red(refusal.reason) : error !== null ? pc.yellow('unknown') : 'ok',
    ]);
  }
  return table.toString();
}

async function status(options: StatusOptions): Promise<number> {
  return withSession(options, async ({ configuration, stream }) => {
    const publicKey = await verifyingKey(configuration, options.config);
    const path = configuration.seal?.memory;
    const memory = path === undefined ? null : await openExisting(path);
    try {
      const all = await sealStatus({
        stream,
        ledger: configuration.ledger,
        topics: selectTopics(configuration, options.topic).map(({ name }) => name),
        publicKey,
        memory,
        seals: path !== undefined,
      });
      await printLine(options.json === true ? toJson(all.map(jsonOf)) : render(all));
      for (const { topic, partition, refusal, error } of all) {
        const problem = refusal?.message ?? error?.message;
        if (problem !== undefined) tell(`${topic}/${partition}: ${problem}`);
      }
      if (all.some(({ refusal }) => refusal !== null)) return EXIT.tampered;
      return all.some(({ error }) => error !== null) ? EXIT.failed : EXIT.done;
    } finally {
      await memory?.close();
    }
  });
}

export function registerStatus(
  program: Command,
  run: (work: Promise<number>) => Promise<void>,
): void {
  program
    .command('status')
    .description('where every log stands, as a sealer would see it; exit 1: it would refuse one')
    .option('--config <file>', 'the configuration', './ledger.yaml')
    .option('--topic <topic>', 'this audit topic only')
    .option('--json', 'print one JSON document')
    .addHelpText('after', '\nExample:\n  sealstream status --json')
    .action((options: StatusOptions) => run(status(options)));
}
