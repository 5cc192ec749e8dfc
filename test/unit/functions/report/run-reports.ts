import type { RunReport, ShellReport } from '../../../../functions/report/run-report.ts'
import { drv } from '../graphs.ts'

export const COMMIT = '6113728f27ae82c7b1a177c8d03f9e96e0adf246'
export const TARGET = { repository: 'acme/shells', ref: 'refs/heads/main', commit: COMMIT }
export const LINK =
  'https://eu-central-1.console.aws.amazon.com/states/home?region=eu-central-1#/v2/executions/details/arn:aws:states:eu-central-1:123456789012:execution:hearth-prod-warm:run-1'

/** A shell of acme/shells; what is not said is as it mostly is. */
export function shell(
  name: string,
  state: ShellReport['state'],
  more: Partial<ShellReport> = {},
): ShellReport {
  const system = more.system ?? 'x86_64-linux'
  return {
    attribute: `devShells.${system}.${name}`,
    system,
    state,
    built: 0,
    seconds: 0,
    missing: 0,
    ...more,
  }
}

/** A run that built three derivations in four minutes, and whose shells all are warm. */
export function runReport(more: Partial<RunReport> = {}): RunReport {
  return {
    run: 'run-1',
    trigger: 'push',
    target: TARGET,
    verdict: 'done',
    isPartial: false,
    shells: [
      shell('default', 'built', { built: 2, seconds: 190 }),
      shell('docs', 'warm'),
      shell('default', 'built', { system: 'aarch64-darwin', built: 1, seconds: 75 }),
    ],
    outcomes: [
      { drvPath: drv('app'), system: 'x86_64-linux', outcome: 'published', seconds: 150, bytes: 100_000_000 },
      { drvPath: drv('lib'), system: 'x86_64-linux', outcome: 'published', seconds: 40, bytes: 20_000_000 },
      { drvPath: drv('mac'), system: 'aarch64-darwin', outcome: 'published', seconds: 75, bytes: 500_000 },
    ],
    bytesAdded: 120_500_000,
    seconds: 241,
    link: LINK,
    ...more,
  }
}
