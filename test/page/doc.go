// Package page takes the pictures of the documentation: the report in a terminal and as a page, a
// mail and the dashboard. Each picture is rendered from synthetic data by the test.
//
// checks.mjs and package.json belong to package browser, which drives Chromium for this test and
// for the tests of the HTML report.
package page
