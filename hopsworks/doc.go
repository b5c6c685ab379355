// Package hopsworks reads the metadata layer of a Hopsworks installation: the tables of its schema hopsworks in which
// feature stores, feature groups, feature views and their serving keys are kept.
//
// A Source polls them. What they say is a Metadata, which Define turns into the definitions that package catalog makes a
// catalogue from. The last good Metadata is kept in a file, so that a gateway can start while the metadata layer is away.
// Nothing of that is on the path of a request.
//
// Keys checks the API keys of the installation's users against it, and says by whose membership, shares and grants which
// feature views they may read. Only the first request of a key waits for the metadata layer.
//
// Which columns the tables have depends on the release. Those that came later than 4.0 are looked for, and where they
// are absent their meaning is that of the release which had not got them: no time to live, say.
package hopsworks
