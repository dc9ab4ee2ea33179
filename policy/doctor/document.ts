import { REMEDIES } from '../catalogue/remedies.js';
import { CATALOGUE, type Code, type Severity } from '../catalogue.js';

const ORDER: readonly Severity[] = ['error', 'warning', 'note'];

/** Every code, the gravest first. */
function codeTable(): string {
  const codes = (Object.keys(CATALOGUE) as Code[]).sort(
    (a, b) => ORDER.indexOf(CATALOGUE[a].severity) - ORDER.indexOf(CATALOGUE[b].severity),
  );
  const rows = codes.map((code) => {
    const { severity, title, why } = CATALOGUE[code];
    return `| \`${code}\` | ${severity} | ${title}. ${why} | ${REMEDIES[code]} |`;
  });
  return [
    '| code | severity | what, and why it matters | remedy |',
    '|---|---|---|---|',
    ...rows,
  ].join('\n');
}

const PLACE = /<!-- codes -->.*<!-- end of codes -->/s;

/** docs/doctor.md with the table in its place. */
export function withCodeTable(document: string): string {
  return document.replace(PLACE, () => `<!-- codes -->\n${codeTable()}\n<!-- end of codes -->`);
}
