import { describe, expect, test } from 'vitest'
import { InvalidEventPattern, matchesEventPattern } from '../../../../local/events/event-pattern.ts'

const event = {
  source: 'aws.states',
  resources: ['arn:one', 'arn:two'],
  detail: { status: 'ABORTED', stateMachineArn: 'arn:aws:states:::stateMachine:warm', error: null },
}

describe('an event matches a pattern', () => {
  test.each<[string, unknown, boolean]>([
    ['one of several values', { detail: { status: ['FAILED', 'ABORTED'] } }, true],
    ['none of the values', { detail: { status: ['FAILED'] } }, false],
    ['every key', { source: ['aws.states'], detail: { status: ['ABORTED'] } }, true],
    ['one key does not', { source: ['aws.codebuild'], detail: { status: ['ABORTED'] } }, false],
    ['a key that the event lacks', { detail: { name: ['x'] } }, false],
    ['null', { detail: { error: [null] } }, true],
    ['any item of a list', { resources: ['arn:two'] }, true],
    ['prefix', { detail: { stateMachineArn: [{ prefix: 'arn:aws:states' }] } }, true],
    ['suffix', { detail: { stateMachineArn: [{ suffix: ':warm' }] } }, true],
    ['suffix of another', { detail: { stateMachineArn: [{ suffix: ':retain' }] } }, false],
    ['anything-but', { detail: { status: [{ 'anything-but': ['SUCCEEDED'] }] } }, true],
    ['anything-but this', { detail: { status: [{ 'anything-but': 'ABORTED' }] } }, false],
    ['exists', { detail: { status: [{ exists: true }] } }, true],
    ['does not exist', { detail: { cause: [{ exists: false }] } }, true],
  ])('%s', (_, pattern, expected) => {
    expect(matchesEventPattern(pattern, event)).toBe(expected)
  })

  test.each<[string, unknown, string]>([
    [
      'an unknown condition, also where nothing matches',
      { source: ['x'], id: [{ cidr: '10/8' }] },
      '"id": unknown condition "cidr"',
    ],
    ['an empty list', { source: [] }, '"source" lists no value'],
    ['a bare value', { source: 'aws.states' }, 'an event pattern is an object'],
  ])('%s is refused', (_, pattern, message) => {
    expect(() => matchesEventPattern(pattern, event)).toThrow(new InvalidEventPattern(message))
  })
})
