import { styleText } from 'node:util'
import type { PlannedShell, RunStanding, RunSummary } from '../../../functions/shared/contract.ts'
import { formatBytes } from '../../../functions/shared/format-bytes.ts'

/** A run's summary as text: colours on a terminal, plain lines elsewhere (`styleText` looks at standard output itself). */
export function formatSummary(summary: RunSummary): string {
  const { target, derivations, shells } = summary
  return [
    `${styleText('bold', summary.run)}: ${verdict(summary)}`,
    ...(target?.repository === undefined
      ? []
      : [`  ${target.repository} ${target.ref ?? ''} ${target.commit ?? ''}`.trimEnd()]),
    ...(summary.reason === undefined ? [] : [`  ${summary.reason}`]),
    ...(summary.error === undefined ? [] : [`  ${summary.error.name}: ${indent(summary.error.message)}`]),
    ...(derivations.total === 0
      ? []
      : [
          `  ${derivations.total} derivations: ${derivations.built} built, ${derivations.published} published, ${derivations.skipped} skipped, ${derivations.failed} failed; ${formatBytes(summary.bytesAdded)} added in ${summary.waves} waves`,
        ]),
    ...notReproducible(summary),
    ...shells
      .toSorted((a, b) => `${a.system} ${a.attribute}`.localeCompare(`${b.system} ${b.attribute}`))
      .map(({ attribute, system, status, reason }) => {
        const because = reason === undefined ? '' : `: ${indent(reason)}`
        return `  ${mark(status, 'red')} ${system} ${attribute}${because}`
      }),
  ].join('\n')
}

/** How a shell stands while its run goes on, as a line. */
export function formatStanding({
  attribute,
  system,
  status,
  missing,
}: RunStanding['shells'][number]): string {
  const left = missing > 0 ? `: ${missing} derivations to come` : ''
  return `  ${mark(status, status === 'failed' ? 'red' : 'yellow')} ${system} ${attribute}${left}`
}

function mark(status: PlannedShell['status'], otherwise: 'red' | 'yellow'): string {
  return styleText(status === 'warm' ? 'green' : otherwise, status.padEnd(6))
}

/** What two builds made differently, a line for each output. */
function notReproducible({ outcomes }: RunSummary): string[] {
  const differences = outcomes.flatMap(({ differences: found = [] }) => found)
  return differences.map(
    ({ storePath, published, built }) =>
      `  ${styleText('yellow', 'not reproducible')} ${storePath}: published ${published}, built ${built}`,
  )
}

function verdict({ verdict }: RunSummary): string {
  return styleText(verdict === 'failed' || verdict === 'stuck' ? 'red' : 'green', verdict)
}

function indent(text: string): string {
  return text.trim().replaceAll('\n', '\n      ')
}
