import { describe, expect, test } from 'vitest'
import { checkInputTransformer, transformInput } from '../../../../local/events/input-transformer.ts'

const event = {
  source: 'hearth',
  detail: { text: 'all is well', count: 3, list: ['a'], target: { ref: 'main' } },
}

// Source: EventBridge user guide, "Amazon EventBridge input transformation".
describe('what a target gets of an event', () => {
  test.each([
    [
      'a text with values',
      { t: '$.detail.text', r: '$.detail.target.ref' },
      '"<r>: <t>."',
      '"main: all is well."',
    ],
    ['numbers and lists in a text', { n: '$.detail.count', l: '$.detail.list' }, '"<n> <l>"', '"3 ["a"]"'],
    [
      'JSON with values',
      { t: '$.detail.text', n: '$.detail.count' },
      '{"text": <t>, "n": <n>}',
      '{"text": "all is well", "n": 3}',
    ],
    ['what is not there is empty', { x: '$.detail.nothing.at.all' }, '"[<x>]"', '"[]"'],
    ['the event itself', {}, '{"event": <aws.events.event>}', `{"event": ${JSON.stringify(event)}}`],
    ['the whole event by its path', { all: '$' }, '<all>', JSON.stringify(event)],
  ])('%s', (_, InputPathsMap, InputTemplate, expected) => {
    const transformer = { InputPathsMap, InputTemplate }
    checkInputTransformer(transformer)
    expect(transformInput(transformer, event)).toBe(expected)
  })
})

describe('what EventBridge or this stack does not take', () => {
  test.each([
    ['a variable without a path', {}, '"<x>"', '<x> has no path'],
    ['a path with an index', { x: '$.detail.list[0]' }, '"<x>"', 'paths here are like $.detail.text'],
    ['a reserved name', { AWSx: '$.detail' }, '"<AWSx>"', '"AWSx" is no name of a variable'],
    [
      'a text without quotes',
      { x: '$.detail' },
      'all of <x>',
      'a template is a text in double quotes, or JSON',
    ],
  ])('%s', (_, InputPathsMap, InputTemplate, message) => {
    expect(() => checkInputTransformer({ InputPathsMap, InputTemplate })).toThrow(message)
  })
})
