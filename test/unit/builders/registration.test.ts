import { expect, test } from 'vitest'
import { parseRegistrations } from '../../../builders/machine/registration.ts'

// what nix-store 2.8.0 --dump-db prints for an output and for a .drv, whose deriver is unknown
const DUMP = `/nix/store/hxkmd29bxjplwfizvjaih8yqpgn37qjh-app
2e7b33519b26700e2567235bee5de2ea2bea966eebe329e96ec902fb64d7fa79
1024
/nix/store/l1w8j934jdsqrpjwkrih7gqpylwh65ih-app.drv
2
/nix/store/2wr26ybwi2kn4n7qkmf8va04g8b354kq-libright
/nix/store/7lc7p5sy6waynmr8ss6him3hdlfc4vc6-libleft
/nix/store/gfmk7vzjaf104zhs15r08pk2rzwpcj7m-builder.sh
a420a01eb95e10a8c2bac8f7bbef895285be0b4fcf4dab3d279ee25bfcd38811
1208

0
`

test('a registration has hash, size, deriver and references', () => {
  expect(parseRegistrations(DUMP)).toEqual([
    {
      path: '/nix/store/hxkmd29bxjplwfizvjaih8yqpgn37qjh-app',
      narHash: 'sha256:0ygssxjgn0n9dvljkqzbdsbflazaw9fywnr3cwjhww16kd8k6yrf',
      narSize: 1024,
      deriver: '/nix/store/l1w8j934jdsqrpjwkrih7gqpylwh65ih-app.drv',
      references: [
        '/nix/store/2wr26ybwi2kn4n7qkmf8va04g8b354kq-libright',
        '/nix/store/7lc7p5sy6waynmr8ss6him3hdlfc4vc6-libleft',
      ],
    },
    {
      path: '/nix/store/gfmk7vzjaf104zhs15r08pk2rzwpcj7m-builder.sh',
      narHash: 'sha256:04c8sgy5pqly4wysnkfg9w5vx1aji7pvpxy8pb1ah42yp4ga0854',
      narSize: 1208,
      references: [],
    },
  ])
})

test.each([
  ['in the middle of a path’s lines', DUMP.split('\n').slice(0, 6).join('\n') + '\n'],
  ['in the middle of a line', DUMP.slice(0, -2)],
])('what is cut short %s is an error', (_, text) => {
  expect(() => parseRegistrations(text)).toThrow('cut short')
})

test('a count that is no number is an error', () => {
  expect(() => parseRegistrations(DUMP.replace('\n1024\n', '\nmany\n'))).toThrow(
    "'many' is no number, line 3",
  )
})
