import { expect, test } from 'vitest'
import { checkMachine } from '../../../scripts/check/asl/check-machine.ts'
import type { JsonObject } from '../../../scripts/check/json.ts'

const retry = [
  {
    ErrorEquals: ['Lambda.TooManyRequestsException'],
    IntervalSeconds: 2,
    MaxAttempts: 3,
    JitterStrategy: 'FULL',
  },
]
const toReport = [
  { ErrorEquals: ['States.ALL'], Output: { failure: '{% $states.errorOutput %}' }, Next: 'Report' },
]

/** A machine of the same shape as warm.asl.json, with nothing wrong; a test changes one thing in its copy. */
export function goodMachine() {
  return {
    QueryLanguage: 'JSONata',
    StartAt: 'Plan',
    States: {
      Plan: {
        Type: 'Task',
        Resource: 'arn:aws:states:::lambda:invoke',
        Arguments: {
          FunctionName: '${PlanFunctionArn}',
          Payload: { run: '{% $states.context.Execution.Name %}' },
        },
        TimeoutSeconds: 60,
        Retry: structuredClone(retry),
        Catch: structuredClone(toReport),
        Assign: { wave: '{% $states.result.Payload.wave %}' },
        Output: '{% $states.result.Payload %}',
        Next: 'IsAnythingMissing',
      } as JsonObject,
      IsAnythingMissing: {
        Type: 'Choice',
        Choices: [
          {
            Condition: "{% $count([$states.input.batches[system = 'x86_64-linux']]) > 0 %}",
            Assign: { missing: true },
            Next: 'BuildBatches',
          },
        ],
        Assign: { missing: false },
        Default: 'Pause',
      } as JsonObject,
      BuildBatches: {
        Type: 'Map',
        Items: '{% $states.input.batches %}',
        ItemSelector: { batch: '{% $states.context.Map.Item.Value %}', wave: '{% $wave %}' },
        MaxConcurrency: 40,
        ItemProcessor: {
          ProcessorConfig: { Mode: 'INLINE' },
          StartAt: 'Build',
          States: {
            Build: {
              Type: 'Task',
              Resource: 'arn:aws:states:::codebuild:startBuild.sync',
              Arguments: {
                ProjectName: '${Builder}',
                EnvironmentVariablesOverride: [
                  { Name: 'HEARTH_JOB', Value: '{% $states.input.batch %}', Type: 'PLAINTEXT' },
                ],
              },
              TimeoutSeconds: 600,
              Catch: [{ ErrorEquals: ['States.ALL'], Next: 'BuildOnMac' }],
              Next: 'BuildOnMac',
            } as JsonObject,
            BuildOnMac: {
              Type: 'Task',
              Resource: '${MacActivityArn}',
              Arguments: { wave: '{% $wave %}' },
              TimeoutSeconds: 600,
              HeartbeatSeconds: 60,
              Catch: [{ ErrorEquals: ['States.ALL'], Next: 'LeaveToPlan' }],
              Next: 'LeaveToPlan',
            } as JsonObject,
            LeaveToPlan: { Type: 'Succeed', Output: {} } as JsonObject,
          },
        },
        Output: {},
        Catch: structuredClone(toReport),
        Next: 'Pause',
      },
      Pause: { Type: 'Wait', Seconds: '{% $missing ? 5 : 1 %}', Next: 'Report' } as JsonObject,
      Report: {
        Type: 'Task',
        Resource: 'arn:aws:states:::lambda:invoke',
        Arguments: { FunctionName: '${ReportFunctionArn}', Payload: '{% $states.input %}' },
        TimeoutSeconds: 60,
        Next: 'Reported',
      } as JsonObject,
      Reported: { Type: 'Succeed' } as JsonObject,
    },
  }
}

export type GoodMachine = ReturnType<typeof goodMachine>

/** The states that tests change most. */
export const plan = ({ States }: GoodMachine): JsonObject => States.Plan
export const choice = ({ States }: GoodMachine): JsonObject => States.IsAnythingMissing
export const map = ({ States }: GoodMachine): GoodMachine['States']['BuildBatches'] => States.BuildBatches
export const build = (machine: GoodMachine): JsonObject => map(machine).ItemProcessor.States.Build
export const mac = (machine: GoodMachine): JsonObject => map(machine).ItemProcessor.States.BuildOnMac
/** Arguments of a Lambda, and a Catch for everything. */
export const lambda = { FunctionName: '${PlanFunctionArn}', Payload: {} }
export const all = { ErrorEquals: ['States.ALL'], Next: 'Report' }

/** The findings about a copy of the good machine with one thing changed: `where.field (rule): problem`. */
export async function findings(change: (machine: GoodMachine) => void): Promise<string[]> {
  const machine = goodMachine()
  change(machine)
  const found = await checkMachine('warm.asl.json', JSON.stringify(machine, null, 2))
  return found.map(
    ({ where, field, rule, problem }) => `${[where, field].filter(Boolean).join('.')} (${rule}): ${problem}`,
  )
}

export type Case = [fault: string, change: (machine: GoodMachine) => void, ...expected: string[]]

/** One test per fault: it gives exactly the findings that begin with the given texts. */
export function eachFault(cases: Case[]): void {
  test.each(cases)('%s', async (_, change, ...expected) => {
    expect(await findings(change)).toEqual(expected.map((start) => expect.stringContaining(start)))
  })
}
