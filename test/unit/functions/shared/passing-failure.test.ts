import { describe, expect, test } from 'vitest'
import { isPassingFailure } from '../../../../functions/shared/passing-failure.ts'

const EXIT_1 = 'builder failed with exit code 1'

// As Nix 2.8.0 and 2.34, curl 7.88 and 8, git 2.39, gcc 12, rustc and GHC wrote them; what was in quotes is shortened.
describe('a build failed because of its machine or the network', () => {
  test.each<[string, string, string[]]>([
    [
      'its disk is full',
      EXIT_1,
      ['cc1: fatal error: error writing to /build/ccX.s: No space left on device'],
    ],
    ['it has no memory', EXIT_1, ['virtual memory exhausted: Cannot allocate memory']],
    [
      'gcc has no memory',
      EXIT_1,
      ['cc1plus: out of memory allocating 65536 bytes after a total of 1073741824 bytes'],
    ],
    ['GHC has no memory', EXIT_1, ['ghc-9.4.8: out of memory (requested 1048576 bytes)']],
    ['the kernel ended the builder', 'builder failed due to signal 9 (Killed)', []],
    ['the kernel ended the compiler', EXIT_1, ['g++: fatal error: Killed signal terminated program cc1plus']],
    ['the kernel ended the linker', EXIT_1, ['collect2: fatal error: ld terminated with signal 9 [Killed]']],
    ['it took too long', 'timed out after 3600 seconds', []],
    ['it said nothing for too long', 'timed out after 600 seconds of silence', []],
    [
      'Nix: no such host',
      EXIT_1,
      ["error: unable to download 'https://no-such-host.invalid/x': Couldn't resolve host name (6)"],
    ],
    [
      'Nix 2.34: no such host',
      EXIT_1,
      ["error: unable to download 'https://x/y': Could not resolve hostname (6) Could not resolve host: x"],
    ],
    [
      'Nix: nobody there',
      EXIT_1,
      ["error: unable to download 'http://127.0.0.1:1/x': Couldn't connect to server (7)"],
    ],
    [
      'Nix: no answer',
      EXIT_1,
      ["error: unable to download 'http://x/y': Server returned nothing (no headers, no data) (52)"],
    ],
    ['Nix: no answer in time', EXIT_1, ["error: unable to download 'http://x/y': Timeout was reached (28)"]],
    ['Nix: no TLS', EXIT_1, ["error: unable to download 'https://x/y': SSL connect error (35)"]],
    [
      'Nix: a server that is not well',
      EXIT_1,
      ["error: unable to download 'http://x/y': HTTP error 503 ('Service Unavailable')"],
    ],
    [
      'Nix: a server that has enough of us',
      EXIT_1,
      ["error: unable to download 'http://x/y': HTTP error 429 ('Too Many Requests')"],
    ],
    [
      'Nix: a download that breaks off',
      EXIT_1,
      [
        "error: unable to download 'http://x/y': HTTP error 200 ('OK') (curl error: Transferred a partial file)",
      ],
    ],
    ['curl: no such host', EXIT_1, ['curl: (6) Could not resolve host: no-such-host.invalid']],
    [
      'curl: nobody there',
      EXIT_1,
      ["curl: (7) Failed to connect to 127.0.0.1 port 1 after 0 ms: Couldn't connect to server"],
    ],
    ['curl: no answer', EXIT_1, ['curl: (52) Empty reply from server']],
    [
      'curl: no answer in time',
      EXIT_1,
      ['curl: (28) Operation timed out after 30001 milliseconds with 0 bytes received'],
    ],
    ['curl: a connection that breaks', EXIT_1, ['curl: (56) Recv failure: Connection reset by peer']],
    [
      'curl: a download that breaks off',
      EXIT_1,
      ['curl: (18) transfer closed with 997 bytes remaining to read'],
    ],
    [
      'curl: a stream that breaks',
      EXIT_1,
      ['curl: (92) HTTP/2 stream 1 was not closed cleanly: INTERNAL_ERROR (err 2)'],
    ],
    ['curl: a server that is not well', EXIT_1, ['curl: (22) The requested URL returned error: 503']],
    ['git: no such host', EXIT_1, ["fatal: unable to access 'https://x.git/': Could not resolve host: x"]],
    [
      'git: nobody there',
      EXIT_1,
      [
        "fatal: unable to access 'http://x/': Failed to connect to x port 1 after 0 ms: Couldn't connect to server",
      ],
    ],
    [
      'git: a server that is not well',
      EXIT_1,
      ["fatal: unable to access 'http://x/': The requested URL returned error: 503"],
    ],
    [
      'git: a fetch that breaks off',
      EXIT_1,
      ['fetch-pack: unexpected disconnect while reading sideband packet', 'fatal: early EOF'],
    ],
    [
      'git: TLS that breaks off',
      EXIT_1,
      [
        'error: RPC failed; curl 56 GnuTLS recv error (-110): The TLS connection was non-properly terminated.',
      ],
    ],
    ['git: a server that went away', EXIT_1, ['fatal: the remote end hung up unexpectedly']],
  ])('%s', (_, message, logTail) => {
    expect(isPassingFailure(message, logTail, true)).toBe(true)
  })
})

describe('a build failed for a reason of its own, and would fail again', () => {
  test.each<[string, string, string[]]>([
    ['without a word', EXIT_1, []],
    ['with an exit code', 'builder failed with exit code 3', ['make: *** [Makefile:12: all] Error 1']],
    ['its builder crashed', 'builder failed due to signal 11 (Segmentation fault)', []],
    ['what does not compile', EXIT_1, ['main.c:1:10: fatal error: missing.h: No such file or directory']],
    ['a test that fails', EXIT_1, ['FAILED tests/test_app.py::test_answer - assert 41 == 42']],
    [
      'a hash that is not as declared',
      "hash mismatch in fixed-output derivation '/nix/store/x.drv'",
      ['specified: sha256-AAA', '   got: sha256-BBB'],
    ],
    ['no output', "failed to produce output path for output 'out'", []],
    [
      'Nix: a download that is not there',
      EXIT_1,
      ["error: unable to download 'http://x/404': HTTP error 404 ('Not Found')"],
    ],
    [
      'Nix: one that is not for us',
      EXIT_1,
      ["error: unable to download 'http://x/403': HTTP error 403 ('Forbidden')"],
    ],
    [
      'Nix: a certificate that nobody trusts',
      EXIT_1,
      ["error: unable to download 'https://x/y': SSL peer certificate or SSH remote key was not OK (60)"],
    ],
    [
      'Nix: a protocol that there is not',
      EXIT_1,
      ["error: unable to download 'gopherx://x': Unsupported protocol (1)"],
    ],
    ['curl: a download that is not there', EXIT_1, ['curl: (22) The requested URL returned error: 404']],
    [
      'curl: a certificate that nobody trusts',
      EXIT_1,
      ['curl: (60) SSL certificate problem: unable to get local issuer certificate'],
    ],
    [
      'git: a commit that is not there',
      EXIT_1,
      ['fatal: remote error: upload-pack: not our ref 0000000000000000000000000000000000000001'],
    ],
    ['git: a repository that is not there', EXIT_1, ["fatal: repository 'https://x/y.git/' not found"]],
  ])('%s', (_, message, logTail) => {
    expect(isPassingFailure(message, logTail, true)).toBe(false)
  })
})

test.each([
  ['a fetch', true],
  ['a test in a sandbox without a network', false],
])('the network fails %s', (_, hasNetwork) => {
  const said = ['curl: (6) Could not resolve host: example.org']
  expect(isPassingFailure(EXIT_1, said, hasNetwork)).toBe(hasNetwork)
})
