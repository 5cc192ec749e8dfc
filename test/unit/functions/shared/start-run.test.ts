import { ExecutionAlreadyExists, SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn'
import { mockClient } from 'aws-sdk-client-mock'
import * as fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import { executionName, startRun } from '../../../../functions/shared/start-run.ts'

// `printf abc | sha256sum`, the first 32 digits
const ABC = 'ba7816bf8f01cfea414140de5dae2223'

describe('the name of an execution', () => {
  test.each([
    ['acme/shells', `push-acme-shells-${ABC}`],
    ['acme.inc/my_shells', `push-acme-inc-my-shells-${ABC}`],
    ['acme/..', `push-acme--${ABC}`],
    [`acme/${'x'.repeat(100)}`, `push-acme-${'x'.repeat(37)}-${ABC}`],
  ])('of %s', (repository, expected) => {
    expect(executionName('push', repository, 'abc')).toBe(expected)
  })

  test('is the same for the same bytes, whether text or not', () => {
    expect(executionName('push', 'acme/shells', Buffer.from('abc'))).toBe(`push-acme-shells-${ABC}`)
  })

  // Step Functions API reference, StartExecution: 1 to 80 of these characters are safe everywhere
  test('is one that Step Functions takes, whatever the repository is called', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('push', 'schedule', 'hand'),
        fc.string({ unit: 'binary', maxLength: 150 }),
        fc.string(),
        (trigger, repository, unique) => {
          expect(executionName(trigger, repository, unique)).toMatch(/^[A-Za-z0-9_-]{1,80}$/)
        },
      ),
    )
  })

  test('differs when what makes it unique does, however long the repository', () => {
    const repository = `acme/${'x'.repeat(100)}`
    expect(executionName('push', repository, 'abc')).not.toBe(executionName('push', repository, 'abd'))
  })
})

describe('starting a run', () => {
  const sfn = mockClient(SFNClient)
  const input = { trigger: 'hand' as const, repository: 'acme/shells', ref: 'refs/heads/main' }
  const start = () => startRun(new SFNClient({}), 'arn:of:machine', 'hand-acme-shells-1', input)
  beforeEach(() => {
    sfn.reset()
  })

  test('hands over its name and its input', async () => {
    sfn.on(StartExecutionCommand).resolves({})
    expect(await start()).toBe('started')
    expect(sfn.commandCalls(StartExecutionCommand)[0]?.args[0].input).toEqual({
      stateMachineArn: 'arn:of:machine',
      name: 'hand-acme-shells-1',
      input: '{"trigger":"hand","repository":"acme/shells","ref":"refs/heads/main"}',
    })
  })

  test('a second time is harmless', async () => {
    sfn.on(StartExecutionCommand).rejects(new ExecutionAlreadyExists({ message: 'exists', $metadata: {} }))
    expect(await start()).toBe('duplicate')
  })

  test('any other refusal is no duplicate', async () => {
    sfn.on(StartExecutionCommand).rejects(new Error('AccessDeniedException'))
    await expect(start()).rejects.toThrow('AccessDeniedException')
  })
})
