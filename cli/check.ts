import type { Command } from 'commander';
import { decodeEntry } from '../ledger/entry.js';
import { SealstreamError } from '../ledger/error.js';
import { checkReceipt, parseReceipt } from '../ledger/receipt.js';
import { EXIT } from './exit.js';
import { printLine, tell, toJson } from './output.js';
import { loadPublicKey, readInput } from './session.js';

interface CheckOptions {
  readonly record: string;
  readonly publicKey: string;
  readonly json?: boolean;
}

async function check(proofFile: string, options: CheckOptions): Promise<number> {
  const key = await loadPublicKey(options.publicKey, '--public-key');
  const proof = await readInput(proofFile, 'PROOF');
  const body = await readInput(options.record, '--record');
  try {
    const receipt = parseReceipt(proof);
    const checkpoint = checkReceipt(receipt, body, key);
    const entry = decodeEntry(receipt.entry);
    const proven = {
      valid: true,
      origin: checkpoint.origin,
      index: receipt.index,
      offset: entry.offset,
      timestamp: entry.timestamp,
      timestampType: entry.timestampType,
      checkpoint: { size: checkpoint.size, time: new Date(checkpoint.time).toISOString() },
    };
    const text =
      `proven: this record is entry ${proven.index} of ${proven.origin}, at offset ` +
      `${proven.offset},\nunder the checkpoint of size ${proven.checkpoint.size} signed at ` +
      `${proven.checkpoint.time}`;
    await printLine(options.json === true ? toJson(proven) : text);
    return EXIT.done;
  } catch (error) {
    if (!(error instanceof SealstreamError) || error.class !== 'data') throw error;
    const unknown = error.code === 'unknown-version';
    if (options.json === true) {
      await printLine(toJson({ valid: false, code: error.code, message: error.message }));
    } else {
      tell(`${unknown ? 'could not check' : 'not proven'}: ${proofFile}: ${error.message}`);
    }
    return unknown ? EXIT.unchecked : EXIT.tampered;
  }
}

export function registerCheck(
  program: Command,
  run: (work: Promise<number>) => Promise<void>,
): void {
  program
    .command('check')
    .description('check a receipt offline: exit 0 proven, 1 not proven, 3 could not check')
    .argument('<PROOF>', 'the receipt that prove wrote')
    .requiredOption('--record <file>', "the record's bytes that prove wrote")
    .requiredOption('--public-key <file>', "the ledger's public key")
    .option('--config <file>', 'accepted and not needed: check reads no configuration')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      '\nExample:\n' +
        '  sealstream check audit-0-17.tlog-proof --record audit-0-17.record ' +
        '--public-key keys/sealer.pub.pem',
    )
    .action((proof: string, options: CheckOptions) => run(check(proof, options)));
}
