import { XMLParser } from 'fast-xml-parser'
import { expect, test } from 'vitest'
import { labelOf, plistOf } from '../../../scripts/hearth/worker/launchd.ts'
import { ownSystems } from '../../../scripts/hearth/worker/run.ts'

const text = plistOf({
  stage: 'prod',
  command: ['/opt/node', '/opt/hearth.mjs', 'worker', '--jobs', '2'],
  user: 'builder',
  environment: { AWS_PROFILE: 'R&D <mac>' },
})

/** A property list's top dictionary: its keys in order, beside the elements that follow them. */
function keysOf(plist: string): string[] {
  const parsed: unknown = new XMLParser({ ignoreAttributes: true }).parse(plist)
  const { dict } = (parsed as { plist: { dict: { key: string[] } } }).plist
  return dict.key
}

test('the property list is XML, and has what launchd needs', () => {
  expect(keysOf(text)).toEqual([
    'Label',
    'ProgramArguments',
    'UserName',
    'EnvironmentVariables',
    'RunAtLoad',
    'KeepAlive',
    'ThrottleInterval',
    'ExitTimeOut',
    'ProcessType',
    'StandardOutPath',
    'StandardErrorPath',
  ])
  expect(text).toContain(`<string>${labelOf('prod')}</string>`)
})

test('each argument is one string, and nothing of a value is markup', () => {
  expect(text).toMatch(
    /<array>\s*<string>\/opt\/node<\/string>\s*<string>\/opt\/hearth\.mjs<\/string>\s*<string>worker<\/string>/,
  )
  expect(text).toContain('<string>R&amp;D &lt;mac&gt;</string>')
})

test.each([
  ['arm64', ['aarch64-darwin']],
  ['x64', ['x86_64-darwin']],
])('a Mac with %s builds %j when nobody says otherwise', (architecture, systems) => {
  expect(ownSystems('darwin', architecture)).toEqual(systems)
})

test('another machine has to be told', () => {
  expect(() => ownSystems('linux', 'x64')).toThrow('this is no Mac (linux)')
})
