package main

import "github.com/alecthomas/kong"

// helpTexts are the longer ones of the flags, by file and field.
func helpTexts() kong.Vars {
	return kong.Vars{
		"dataEngine":    "What follows the definition of a table; ENGINE=InnoDB for MySQL and MariaDB.",
		"flagsSteps":    "Several rates one after the other, such as 100:10s,200:10s.",
		"flagsArrivals": "poisson: independent of one another, as those of many callers. constant: evenly spaced.",
		"flagsViews":    "Feature views, such as fraud/2:3,account/1:1 (default: all that the data knows).",
		"flagsAPI":      "native, or rdrs: that of RonDB's REST server, as the Hopsworks client uses it.",
		"flagsKeys":     "uniform; zipf:1.1, the exponent; hot:100:0.9, so many keys that get this share.",
		"flagsBatch":    "Entries of a request: 10, or 1:80,10:15,50-100:5 with weights.",
		"flagsAPIKey":   "For a gateway that asks for one; better given by the variable.",
		"mainScenario":  "Break a gateway and its database of their own in the ways that files say, and judge.",
		"runCallers": "A closed loop: so many callers, each of whom waits for its answer. Hides what waiting " +
			"does; for comparison.",
		"compareAPI":       "The API by which B is asked, native or rdrs (default: --api).",
		"scenarioAPI":      "Ask by this API, native or rdrs, whatever the files say.",
		"scenarioAttempts": "How often at most a scenario is run until the harness was not what was slow.",
		"scenarioFiles": "Scenario files, such as loadtest/scenarios/*.yaml; each starts its own database and " +
			"gateway.",
		"scenarioRongate": "The rongate binary (default: the one beside this one, else built).",
	}
}
