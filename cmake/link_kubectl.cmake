# Puts a link to a kubectl into ASSETS: the one that the tests use, else the machine's own; none is no fault.
set(kubectl ${TOOLS}/kubectl-1.37)
if(NOT EXISTS ${kubectl})
  find_program(found kubectl NO_CMAKE_PATH NO_CMAKE_SYSTEM_PATH)
  set(kubectl ${found})
endif()
if(kubectl)
  file(CREATE_LINK ${kubectl} ${ASSETS}/kubectl SYMBOLIC)
endif()
