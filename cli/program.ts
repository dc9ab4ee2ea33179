import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { SealstreamError } from '../ledger/error.js';
import { registerAdopt } from './adopt.js';
import { registerApply } from './apply.js';
import { registerCheck } from './check.js';
import { registerCheckpoints } from './checkpoints.js';
import { EXIT, exitCodeOf } from './exit.js';
import { registerInit } from './init.js';
import { tell } from './output.js';
import { registerProve } from './prove.js';
import { registerPublish } from './publish.js';
import { registerReplay } from './replay.js';
import { registerSeal } from './seal.js';
import { registerStatus } from './status.js';
import { registerVerify } from './verify.js';

/** A command's work gives the exit code; the process then ends by itself, with nothing left open. */
async function run(work: Promise<number>): Promise<void> {
  process.exitCode = await work;
}

function describeError(error: unknown): string {
  if (error instanceof SealstreamError) return `sealstream: ${error.message}`;
  if (error instanceof Error) return `sealstream: unexpected: ${error.stack ?? error.message}`;
  return `sealstream: unexpected: ${String(error)}`;
}

function version(): string {
  const file = new URL('../../package.json', import.meta.url);
  const parsed: unknown = JSON.parse(readFileSync(file, 'utf8'));
  const found = typeof parsed === 'object' && parsed !== null && 'version' in parsed;
  return found ? String(parsed.version) : 'unknown';
}

function buildProgram(): Command {
  const program = new Command('sealstream')
    .description('A tamper-evident audit ledger on Apache Kafka.')
    .version(version())
    .showHelpAfterError('(--help shows what is possible)')
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(`sealstream: ${text}`) });
  for (const register of [
    registerInit,
    registerApply,
    registerAdopt,
    registerPublish,
    registerSeal,
    registerStatus,
    registerCheckpoints,
    registerVerify,
    registerReplay,
    registerProve,
    registerCheck,
  ]) {
    register(program, run);
  }
  return program;
}

// A reader that goes away (`sealstream replay | head`) ends the command, quietly but never with 0:
// a verdict that nobody could read must not pass for "intact".
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') tell(describeError(error));
  process.exit(EXIT.failed);
});

/** Runs one command line; `process.exitCode` is its answer. */
export async function main(words: readonly string[]): Promise<void> {
  try {
    await buildProgram().parseAsync(words);
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? EXIT.done : EXIT.usage;
      return;
    }
    tell(describeError(error));
    process.exitCode = exitCodeOf(error);
  }
}
