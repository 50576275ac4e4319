#include "protocol/join_token.h"

#include <gtest/gtest.h>

namespace gust::protocol {
namespace {

TEST(JoinToken, TellsItsIdAndNothingElse) {
  const JoinToken made = make_join_token();
  EXPECT_EQ(join_token_id(made.text), made.id);
  EXPECT_EQ(made.id.size(), 32U);
  EXPECT_EQ(made.text.substr(0, 33), made.id + ".");
  EXPECT_NE(make_join_token().text, made.text);
}

TEST(JoinToken, AConfiguredTextHasNoId) {
  const std::string made = make_join_token().text;
  for (const std::string& text : {std::string(), std::string("secret"), std::string("a.b"), made.substr(1), made + "0",
                                  made.substr(0, 32) + ":" + made.substr(33), std::string("G") + made.substr(1)}) {
    EXPECT_EQ(join_token_id(text), "") << text;
  }
}

TEST(JoinToken, AProofIsForOneTokenNonceAndAuthority) {
  const std::string digest = join_token_digest("secret");
  const std::string nonce(kJoinNonceBytes, 'n');
  const std::string proof = join_proof(digest, nonce, "authority");
  EXPECT_EQ(proof.size(), 32U);
  EXPECT_EQ(proof, join_proof(digest, nonce, "authority"));
  EXPECT_NE(proof, join_proof(join_token_digest("Secret"), nonce, "authority"));
  EXPECT_NE(proof, join_proof(digest, std::string(kJoinNonceBytes, 'm'), "authority"));
  EXPECT_NE(proof, join_proof(digest, nonce, "authoritz"));
}

}  // namespace
}  // namespace gust::protocol
