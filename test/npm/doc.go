// Package npm tests the npm packages: npm packs them, and installs them without a network.
package npm
