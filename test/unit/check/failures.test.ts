import { describe, expect, test } from 'vitest'
import { checkMachine } from '../../../scripts/check/asl/check-machine.ts'
import {
  all,
  build,
  choice,
  eachFault,
  findings,
  type GoodMachine,
  goodMachine,
  mac,
  map,
  plan,
} from './machines.ts'

const CALLBACK = 'arn:aws:states:::lambda:invoke.waitForTaskToken'
const START_BUILD = 'arn:aws:states:::codebuild:startBuild'

describe('time-outs and heartbeats', () => {
  eachFault([
    [
      'a task without a time-out',
      (m) => delete plan(m)['TimeoutSeconds'],
      'Plan.TimeoutSeconds (timeouts): a Task without a time-out',
    ],
    [
      'a heartbeat as long as the time-out',
      (m) => (mac(m)['HeartbeatSeconds'] = 600),
      'BuildBatches/BuildOnMac.HeartbeatSeconds (timeouts): a heartbeat within 600 s',
    ],
    [
      'a heartbeat of a Lambda',
      (m) => (plan(m)['HeartbeatSeconds'] = 5),
      'Plan.HeartbeatSeconds (timeouts): nobody gets a task token',
    ],
    [
      'a heartbeat of a build',
      (m) => (build(m)['HeartbeatSeconds'] = 5),
      'BuildBatches/Build.HeartbeatSeconds (timeouts): nobody gets a task token',
    ],
    [
      'a heartbeat of a build that nobody waits for',
      (m) => Object.assign(build(m), { Resource: START_BUILD, HeartbeatSeconds: 5 }),
      'BuildBatches/Build.HeartbeatSeconds (timeouts): nobody gets a task token',
    ],
    [
      'a heartbeat of a callback that is longer than its time-out',
      (m) => Object.assign(plan(m), { Resource: CALLBACK, HeartbeatSeconds: 61 }),
      'Plan.HeartbeatSeconds (timeouts): a heartbeat within 61 s',
    ],
    [
      'a time-out that nobody can compare with the heartbeat',
      (m) => (mac(m)['TimeoutSeconds'] = '{% $wave %}'),
      'BuildBatches/BuildOnMac.TimeoutSeconds (timeouts): nobody can see',
    ],
  ])
})

describe('nothing is wrong with', () => {
  test.each<[string, (machine: GoodMachine) => void]>([
    [
      'a callback with a heartbeat',
      (m) => Object.assign(plan(m), { Resource: CALLBACK, HeartbeatSeconds: 30 }),
    ],
    // a machine that has yet to start has longer than one that runs
    [
      'a heartbeat that depends on what it is waited for',
      (m) => (mac(m)['HeartbeatSeconds'] = '{% $wave = 0 ? 300 : 60 %}'),
    ],
    ['a time-out that is computed, without a heartbeat', (m) => (plan(m)['TimeoutSeconds'] = '{% 60 %}')],
    ['a build that nobody waits for', (m) => (build(m)['Resource'] = START_BUILD)],
  ])('%s', async (_, change) => {
    expect(await findings(change)).toEqual([])
  })
})

describe('errors', () => {
  const a = { ErrorEquals: ['A'], Next: 'Report' }
  eachFault([
    [
      'States.ALL before another catcher',
      (m) => (plan(m)['Catch'] = [all, a]),
      'Plan.Catch[0].ErrorEquals (error-names): States.ALL is not last',
    ],
    [
      'States.ALL before another retrier',
      (m) =>
        (plan(m)['Retry'] = ['States.ALL', 'A'].map((e) => ({ ErrorEquals: [e], JitterStrategy: 'FULL' }))),
      'Plan.Retry[0].ErrorEquals (error-names): States.ALL is not last',
    ],
    [
      'States.ALL with another name',
      (m) => (plan(m)['Catch'] = [{ ...all, ErrorEquals: ['States.ALL', 'A'] }]),
      'Plan.Catch[0].ErrorEquals (error-names): States.ALL stands with other names',
    ],
    [
      'a misspelt error of Step Functions',
      (m) => (plan(m)['Catch'] = [{ ...a, ErrorEquals: ['States.TimedOut'] }, all]),
      'Plan.Catch[0].ErrorEquals (error-names): Step Functions has no error States.TimedOut',
    ],
    [
      'a retry without jitter',
      (m) => (plan(m)['Retry'] = [{ ErrorEquals: ['A'] }]),
      'Plan.Retry[0].JitterStrategy (jitter)',
    ],
    [
      'a retry with no jitter',
      (m) => (plan(m)['Retry'] = [{ ErrorEquals: ['A'], JitterStrategy: 'NONE' }]),
      'Plan.Retry[0].JitterStrategy (jitter)',
    ],
    [
      'a task in a Map without Catch',
      (m) => delete mac(m)['Catch'],
      'BuildBatches/BuildOnMac.Catch (caught-in-map): an error here is not caught',
    ],
    [
      'a task in a Map that catches some errors',
      (m) => (mac(m)['Catch'] = [{ ErrorEquals: ['A'], Next: 'LeaveToPlan' }]),
      'BuildBatches/BuildOnMac.Catch (caught-in-map): an error here is not caught',
    ],
  ])
})

describe('every path ends in Report', () => {
  const succeed = { Lost: { Type: 'Succeed' } }
  eachFault([
    [
      'a task without Catch',
      (m) => delete plan(m)['Catch'],
      'Plan.Catch (every-path-reports): a failure here is not caught',
    ],
    [
      'a Map without Catch',
      (m) => Object.assign(map(m), { Catch: [] }),
      'BuildBatches.Catch (every-path-reports): a failure here is not caught',
    ],
    [
      'a Catch that leads past it',
      (m) => {
        Object.assign(m.States, succeed)
        plan(m)['Catch'] = [{ ...all, Next: 'Lost' }]
      },
      'Lost (every-path-reports): a path ends here',
    ],
    [
      'a choice that leads past it',
      (m) => {
        Object.assign(m.States, succeed)
        choice(m)['Default'] = 'Lost'
      },
      'Lost (every-path-reports): a path ends here',
    ],
    [
      'a state that ends',
      (m) => {
        m.States.Pause = { Type: 'Pass', End: true }
      },
      'Pause (every-path-reports): a path ends here',
    ],
  ])

  test('a machine without Report need not', async () => {
    const machine = {
      QueryLanguage: 'JSONata',
      StartAt: 'Mark',
      States: { Mark: { ...plan(goodMachine()), Catch: [], Next: 'Done' }, Done: { Type: 'Succeed' } },
    }
    expect(await checkMachine('retain.asl.json', JSON.stringify(machine))).toEqual([])
  })
})

describe('maps are bounded and put nothing out', () => {
  eachFault([
    [
      'no limit',
      (m) => Object.assign(map(m), { MaxConcurrency: undefined }),
      'BuildBatches.MaxConcurrency (maps): a Map without MaxConcurrency',
    ],
    ['41 at once', (m) => (map(m).MaxConcurrency = 41), 'BuildBatches.MaxConcurrency (maps): 41 is no limit'],
    [
      '0, which means all at once',
      (m) => (map(m).MaxConcurrency = 0),
      'BuildBatches.MaxConcurrency (maps): 0 is no limit',
    ],
    [
      'a computed limit',
      (m) => Object.assign(map(m), { MaxConcurrency: '{% $wave %}' }),
      'BuildBatches.MaxConcurrency (maps)',
    ],
    [
      'no Output',
      (m) => Object.assign(map(m), { Output: undefined }),
      'BuildBatches.Output (maps): the Map puts out',
    ],
    [
      'the results as Output',
      (m) => Object.assign(map(m), { Output: '{% $states.result %}' }),
      'BuildBatches.Output (maps): the Map puts out',
    ],
    [
      'an iteration that ends with its input',
      (m) => delete map(m).ItemProcessor.States.LeaveToPlan['Output'],
      'BuildBatches/LeaveToPlan.Output (maps): an iteration ends here with a result',
    ],
    [
      'an iteration that ends with a result',
      (m) => (map(m).ItemProcessor.States.LeaveToPlan['Output'] = { a: '{% $states.input %}' }),
      'BuildBatches/LeaveToPlan.Output (maps): an iteration ends here with a result',
    ],
  ])
})
