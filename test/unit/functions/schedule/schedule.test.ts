import { ExecutionAlreadyExists, SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn'
import { mockClient } from 'aws-sdk-client-mock'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { handler as Handler } from '../../../../functions/schedule/index.ts'
import { scheduledTargets } from '../../../../functions/schedule/targets.ts'
import { storedConfig } from '../../../../functions/shared/config.ts'
import type { RepositoryConfig } from '../../../../functions/shared/parse-config.ts'
import { Buckets } from '../buckets.ts'
import { captureLog, context } from '../lambda.ts'
import { CONFIG } from '../resolve/config.ts'

const other: RepositoryConfig = {
  name: 'acme/tools',
  refs: ['main', 'dev'],
  tags: [],
  schedule: 'weekly',
  privateInputs: [],
  attributes: ['devShells'],
  systems: ['x86_64-linux'],
}
const config = { ...CONFIG, repositories: [...CONFIG.repositories, other] }

test('a branch that hearth.yml names outright is scheduled, a pattern is not', () => {
  expect(scheduledTargets(config)).toEqual([
    { repository: 'acme/shells', ref: 'refs/heads/main' },
    { repository: 'acme/tools', ref: 'refs/heads/main' },
    { repository: 'acme/tools', ref: 'refs/heads/dev' },
  ])
})

describe('a slot of the schedule', () => {
  const sfn = mockClient(SFNClient)
  let handler: typeof Handler
  beforeEach(async () => {
    vi.stubEnv('STATE_BUCKET', 'state')
    vi.stubEnv('WARM_STATE_MACHINE', 'arn:of:warm')
    captureLog()
    sfn.reset()
    sfn.on(StartExecutionCommand).resolves({})
    ;({ handler } = await import('../../../../functions/schedule/index.ts'))
    new Buckets().put('state/config/current.json', storedConfig(config))
  })
  afterEach(() => {
    vi.restoreAllMocks()
    vi.unstubAllEnvs()
  })
  const names = () => sfn.commandCalls(StartExecutionCommand).map(({ args: [{ input }] }) => input.name)

  test('starts a run for every one of them', async () => {
    const { runs } = await handler({ time: '2026-03-12T19:00:00Z' }, context)
    expect(names()).toEqual(runs)
    expect(runs).toEqual([
      expect.stringMatching(/^schedule-acme-shells-[0-9a-f]{32}$/),
      expect.stringMatching(/^schedule-acme-tools-[0-9a-f]{32}$/),
      expect.stringMatching(/^schedule-acme-tools-[0-9a-f]{32}$/),
    ])
    expect(new Set(runs).size).toBe(3)
    expect(sfn.commandCalls(StartExecutionCommand)[2]?.args[0].input).toMatchObject({
      stateMachineArn: 'arn:of:warm',
      input: '{"trigger":"schedule","repository":"acme/tools","ref":"refs/heads/dev"}',
    })
  })

  test('that is told twice gives the same names', async () => {
    const first = await handler({ time: '2026-03-12T19:00:00Z' }, context)
    sfn.on(StartExecutionCommand).rejects(new ExecutionAlreadyExists({ message: '', $metadata: {} }))
    expect(await handler({ time: '2026-03-12T19:00:00Z' }, context)).toEqual(first)
  })

  test('an hour later gives others', async () => {
    const first = await handler({ time: '2026-03-12T19:00:00Z' }, context)
    const second = await handler({ time: '2026-03-12T20:00:00Z' }, context)
    expect(second.runs.filter((run) => first.runs.includes(run))).toEqual([])
  })
})
