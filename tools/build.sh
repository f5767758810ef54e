#!/usr/bin/env bash
# Builds a program with `go build`, and shows how far it is: one line at a terminal, which changes,
# else a line for each quarter. Go itself prints nothing while it compiles, and the first build
# compiles the AWS SDK.
#
# Usage: tools/build.sh OUTPUT PACKAGE [FLAG ...]
set -o pipefail
output=$1 package=$2
shift 2

# show reads the lines of `go list` and `go build -v` from standard input. Names of packages and
# downloads become progress. It prints each other line, such as an error of the compiler.
show() {
  awk -v total="$1" -v what="$output" -v terminal="$([ -t 2 ] && echo 1)" '
    function progress(text) {
      if (terminal) {
        printf "\r\033[K%s", substr(text, 1, 78)
        open = 1
      }
    }
    function clear() {
      if (open) printf "\r\033[K"
      open = 0
    }
    /^go: downloading / {
      if (!downloads++ && !terminal)
        print "Downloading the Go modules that the build needs (only the first time) ..."
      progress("Downloading Go modules (only the first time): " downloads)
      fflush()
      next
    }
    total > 0 && /^[a-zA-Z0-9_.\/~-]+$/ {
      done++
      percent = int(100 * done / total)
      progress("Building " what ": " done " of " total " packages (" percent "%)")
      if (!terminal && total > 40 && percent >= next_line) {
        print "Building " what ": " done " of " total " packages (" percent "%)"
        next_line = 25 * (int(percent / 25) + 1)
      }
      fflush()
      next
    }
    { clear(); print; fflush() }
    END { clear() }' >&2
}

# Packages that Go has to compile. Go counts a program as stale that is in its build cache and not
# installed. Errors of `go list` are those of the build that follows.
stale=$( { go list -e -deps -f '{{if .Stale}}{{.ImportPath}} {{.StaleReason}}{{end}}' "$@" \
  "$package" 2> >(show 0) || true; } | grep -v 'not installed but available' | grep -c . || true)
if [ "$stale" -gt 40 ]; then
  echo "Building $output: $stale packages to compile; the next build is faster ..." >&2
elif [ "$stale" -gt 0 ]; then
  echo "Building $output ..." >&2
fi
go build -v "$@" -o "$output" "$package" 2>&1 | show "$stale"
