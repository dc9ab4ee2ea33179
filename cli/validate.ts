import type { Command } from 'commander';
import { type Declared, fieldName, placeName, readDeclared } from '../policy/file/parse.js';
import { ROLES } from '../policy/file/principals.js';
import { dayOf, isInForce, isTooLong, LONGEST_WAIVER_DAYS } from '../policy/file/waiver.js';
import { type Loosening, loosenings } from '../policy/plan/loosening.js';
import { EXIT } from './exit.js';
import { counted, printLine, tell, toJson } from './output.js';
import type { CommonOptions } from './session.js';

function refusal(declared: Declared, loose: Loosening): string {
  const { code, topic, path, found, expected } = loose;
  const where = topic === null ? '' : `, topic: ${topic}`;
  const wanted = expected === null ? 'it to be left out' : `${expected}, not ${found}`;
  return (
    `${placeName(declared, path)}: ${fieldName(path)}: expected ${wanted}; or a ` +
    `waiver in force, { code: ${code}${where}, until: YYYY-MM-DD, reason: … }`
  );
}

/** They would hold for longer than anyone looks ahead. */
function endless(declared: Declared, day: string): string[] {
  return declared.configuration.waivers.flatMap((waiver, index) => {
    if (!isTooLong(waiver, day)) return [];
    const path = ['waivers', index, 'until'];
    const expected = `expected a day within ${LONGEST_WAIVER_DAYS} days, not ${waiver.until}`;
    return [`${placeName(declared, path)}: ${fieldName(path)}: ${expected}`];
  });
}

function summary({ configuration, hash }: Declared, day: string) {
  const { ledger, stream, topics, principals, waivers } = configuration;
  const counts = ROLES.map((role) => [role, principals?.[role].length ?? 0] as const);
  return {
    hash,
    ledger,
    stream,
    topics: topics.map(({ name, partitions, replication, minInSync }) => ({
      topic: name,
      partitions,
      replication: replication ?? null,
      minInSync: minInSync ?? null,
    })),
    configuration: configuration.configuration ?? null,
    principals: principals === undefined ? null : Object.fromEntries(counts),
    waivers: waivers.map((waiver) => ({ ...waiver, inForce: isInForce(waiver, day) })),
  };
}

async function show(file: string, found: ReturnType<typeof summary>): Promise<void> {
  const { hash, ledger, stream, topics, configuration, principals, waivers } = found;
  await printLine(`${file}: valid`);
  await printLine(`sha256         ${hash}`);
  await printLine(`ledger         ${ledger}`);
  await printLine(`stream         ${stream}`);
  for (const { topic, partitions, replication, minInSync } of topics) {
    const copies =
      replication === null ? '' : `, replication ${replication}, in sync at least ${minInSync}`;
    await printLine(`topic          ${topic}: ${counted(partitions, 'partition')}${copies}`);
  }
  await printLine(`configuration  ${configuration?.topic ?? 'not recorded'}`);
  const roles = Object.entries(principals ?? {}).map(([role, count]) => `${role} ${count}`);
  await printLine(`principals     ${principals === null ? 'not managed' : roles.join(', ')}`);
  for (const { code, topic, until, inForce, reason } of waivers) {
    const scope = topic === null ? code : `${code} on ${topic}`;
    await printLine(`waiver         ${scope} until ${until}${inForce ? '' : ' (over)'}: ${reason}`);
  }
}

async function validate(options: CommonOptions): Promise<number> {
  const declared = await readDeclared(options.config);
  const day = dayOf(new Date());
  const refused = loosenings(declared.configuration, day).filter(({ waiver }) => waiver === null);
  const lines = [...endless(declared, day), ...refused.map((loose) => refusal(declared, loose))];
  for (const line of lines) tell(`sealstream: ${line}`);
  if (lines.length > 0) return EXIT.usage;
  const found = summary(declared, day);
  if (options.json === true) await printLine(toJson(found));
  else await show(options.config, found);
  return EXIT.done;
}

export function registerValidate(
  program: Command,
  run: (work: Promise<number>) => Promise<void>,
): void {
  program
    .command('validate')
    .description('check ledger.yaml, offline, and print its hash')
    .option('--config <file>', 'the configuration', './ledger.yaml')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      '\nNothing is contacted, no secret is read. What loosens the ledger needs a waiver in force.\n' +
        'Exit 64: the file is refused, with line, column and field.\n\n' +
        'Example:\n  sealstream validate --config prod/ledger.yaml',
    )
    .action((options: CommonOptions) => run(validate(options)));
}
